//! The real zwave-js and Z-Wave JS server; only radio and locks are stand-ins. `cargo xtask test` runs these; what they
//! need it has installed.

use latchkey_tests::conformance::{ZwaveLock, ZwaveRig, run};

async fn conforms(lock: ZwaveLock) {
    run(ZwaveRig::start(lock).await.expect("the peer starts")).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_secure_lock_with_user_code_version_2() {
    conforms(ZwaveLock::Secure).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_with_user_code_version_1() {
    conforms(ZwaveLock::Plain).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_with_user_credential() {
    conforms(ZwaveLock::Credential).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_that_masks_its_pins() {
    conforms(ZwaveLock::Masking).await;
}

#[tokio::test]
#[ignore = "needs the peers"]
async fn a_lock_where_all_pins_have_one_length() {
    conforms(ZwaveLock::OneLength).await;
}
