//! QR codes as SVG: one path, no styles.

use qrcode::{Color, EcLevel, QrCode};
use yew::prelude::*;
use zeroize::Zeroizing;

/// A QR code.
#[derive(Properties, PartialEq)]
pub struct QrProps {
    /// What it holds. May be secret, so it is neither in a label nor in a title.
    pub text: Text,
    /// What it is for, for those who do not see it.
    pub label: AttrValue,
}

/// Text that is wiped when it is no longer shown.
#[derive(Clone, PartialEq)]
pub struct Text(pub Zeroizing<String>);

/// Light modules around the code that scanners need.
const MARGIN: usize = 2;

fn path(text: &str) -> Option<(usize, String)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        while column < width {
            let run = colors.iter().skip(column).take_while(|c| **c == Color::Dark).count();
            if run > 0 {
                path.push_str(&format!("M{} {}h{run}v1h-{run}z", column + MARGIN, row + MARGIN));
            }
            column += run.max(1);
        }
    }
    Some((width + 2 * MARGIN, path))
}

/// A QR code, always dark on white: scanners do not know dark mode.
#[component]
pub fn Qr(props: &QrProps) -> Html {
    let drawn = use_memo(props.text.clone(), |text| path(&text.0));
    match &*drawn {
        Some((size, path)) => html! {
            <div class="qr">
                <svg viewBox={format!("0 0 {size} {size}")} role="img" aria-label={props.label.clone()} shape-rendering="crispEdges">
                    <path d={path.clone()} fill="#1b160c" />
                </svg>
            </div>
        },
        None => html! { <p class="help">{ "This is too long for a QR code. Copy it instead." }</p> },
    }
}
