//! The page: three static files and the QR code.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

pub(super) async fn html() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], include_str!("static/panel.html"))
}

pub(super) async fn css() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("static/panel.css"))
}

pub(super) async fn js() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("static/panel.js"))
}

pub(super) async fn codes_js() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("static/codes.js"))
}

pub(super) async fn common_js() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("static/common.js"))
}

pub(super) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("static/icon.svg"))
}

/// A QR code as SVG; empty if the text is too long for one.
pub(super) fn qr(text: &str) -> String {
    QrCode::with_error_correction_level(text, EcLevel::M).map_or_else(
        |_| String::new(),
        |code| {
            code.render::<svg::Color<'_>>()
                .min_dimensions(220, 220)
                .dark_color(svg::Color("#14171f"))
                .light_color(svg::Color("#ffffff"))
                .build()
        },
    )
}
