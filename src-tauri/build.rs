//! Prepares the Tauri context when the desktop is built.
fn main() {
    println!("cargo:rerun-if-changed=tauri.conf.json");
    println!("cargo:rerun-if-changed=ui/dist");
    #[cfg(feature = "desktop")]
    tauri_build::build();
}
