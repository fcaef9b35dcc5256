// SPDX-License-Identifier: BSD-3-Clause
fn main() {
    println!("Hello from Rust");
}
