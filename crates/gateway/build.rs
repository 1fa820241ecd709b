//! The pages are read when the crate is compiled: compile it again when they were built anew.

fn main() {
    println!("cargo:rerun-if-changed=../../web/apps/watch/dist/index.html");
    println!("cargo:rerun-if-changed=build.rs");
}
