//! The pages are read when the crate is compiled: compile it again when they were built anew.

fn main() {
    for app in ["watch", "mymentor", "mymentee"] {
        println!("cargo:rerun-if-changed=../../web/apps/{app}/dist/index.html");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
