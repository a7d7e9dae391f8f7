//! Examples of RFC 8032, RFC 9421 and RFC 9180.

use crate::{Row, array, hex, must};
use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use latchkey_shared::id::SealPublic;
use latchkey_shared::wire::hpke::{SealSecret, open, seal};
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

/// RFC 8032, section 7.1: secret key, public key, message, signature.
const ED25519: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

/// RFC 9421, appendix B.2.6: the signature base.
const REQUEST: &str = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
    \"@method\": POST\n\
    \"@path\": /foo\n\
    \"@authority\": example.com\n\
    \"content-type\": application/json\n\
    \"content-length\": 18\n\
    \"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
    ;created=1618884473;keyid=\"test-key-ed25519\"";

pub(crate) fn signatures() -> Result<Row, String> {
    for [secret, public, message, signature] in ED25519 {
        let (key, message) = (SigningKey::from_bytes(&array(secret)), hex(message));
        must(key.verifying_key().to_bytes() == array::<32>(public), || {
            format!("RFC 8032: public key {public}")
        })?;
        must(key.sign(&message).to_bytes()[..] == hex(signature), || {
            format!("RFC 8032: signature {signature}")
        })?;
        verify(&array(public), &message, &hex(signature), true)?;
        verify(&array(public), &[&message[..], &[0]].concat(), &hex(signature), false)?;
    }
    let b64 = |text: &str| BASE64.decode(text.as_bytes()).unwrap_or_default();
    let key = b64("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").try_into().unwrap_or([0; 32]);
    let signature =
        b64("wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==");
    verify(&key, REQUEST.as_bytes(), &signature, true)?;
    verify(&key, REQUEST.replace("/foo", "/fop").as_bytes(), &signature, false)?;
    Ok(Row { set: "RFC 8032 and RFC 9421, Ed25519", good: 5, refused: 5 })
}

fn verify(key: &[u8; 32], message: &[u8], signature: &[u8], wanted: bool) -> Result<(), String> {
    let key = VerifyingKey::from_bytes(key).map_err(|e| e.to_string())?;
    let signature = Signature::from_slice(signature).map_err(|e| e.to_string())?;
    must(key.verify_strict(message, &signature).is_ok() == wanted, || {
        format!("a signature over {message:02x?}")
    })
}

/// Gives what a vector says was drawn.
struct Drawn(Vec<u8>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for (to, from) in out.iter_mut().zip(self.0.drain(..)) {
            *to = from;
        }
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

/// RFC 9180, appendix A.2.1: base mode, X25519, HKDF-SHA256, ChaCha20-Poly1305, the first of its encryptions.
pub(crate) fn hpke() -> Result<Row, String> {
    let secret =
        SealSecret::of_a_vector(array("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"));
    let public: [u8; 32] = array("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
    must(secret.public() == SealPublic(public), || "RFC 9180: public key".into())?;
    let info = hex("4f6465206f6e2061204772656369616e2055726e");
    let (aad, plain) =
        (hex("436f756e742d30"), hex("4265617574792069732074727574682c20747275746820626561757479"));
    let sealed = [
        hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"),
        hex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
    ]
    .concat();
    let opened = open(&secret, &info, &aad, &sealed).map_err(|e| e.to_string())?;
    must(*opened == plain, || "RFC 9180: what was opened".into())?;
    let mut drawn = Drawn(hex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"));
    let made = seal(&SealPublic(public), &info, &aad, &plain, &mut drawn).map_err(|e| e.to_string())?;
    must(made == sealed, || "RFC 9180: what was sealed".into())?;
    let mut refused = 0;
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        must(open(&secret, &info, &aad, &bad).is_err(), || format!("RFC 9180: byte {at} changed"))?;
        refused += 1;
    }
    for (info, aad) in [(&info[1..], &aad[..]), (&info[..], &aad[1..])] {
        must(open(&secret, info, aad, &sealed).is_err(), || "RFC 9180: other context".into())?;
        refused += 1;
    }
    Ok(Row { set: "RFC 9180 A.2.1, HPKE", good: 2, refused })
}
