//! Bounds of boxes, and where errors say that they are.

use super::*;

#[test]
fn a_child_never_reaches_beyond_its_parent() {
    let mut outer = Reader::new(b"file", b"\0\0\0\x10outr\0\0\0\x09innr!");
    let mut child = outer.next_box().expect("reads").expect("is there");
    let error = child.next_box().expect_err("one byte too long");
    assert_eq!(error, BoxError::Size { kind: FourCc(*b"innr"), at: 8, size: 9, room: 8 });
}

#[test]
fn sizes_below_the_header_are_refused() {
    for size in [0u8, 2, 7] {
        let bytes = [0, 0, 0, size, b'f', b'r', b'e', b'e', 0, 0, 0, 0];
        assert!(matches!(Reader::new(b"file", &bytes).next_box(), Err(BoxError::Size { .. })), "{size}");
    }
    let large = b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f";
    assert!(matches!(Reader::new(b"file", large).next_box(), Err(BoxError::Size { size: 15, .. })));
    let huge = b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff";
    assert!(matches!(Reader::new(b"file", huge).next_box(), Err(BoxError::Size { size: u64::MAX, .. })));
}

#[test]
fn an_error_says_where_in_the_input_it_is() {
    let mut file = Reader::new(b"file", b"\0\0\0\x08free\0\0\0\x0atiny\x01\x02");
    file.next_box().expect("reads");
    let mut tiny = file.next_box().expect("reads").expect("is there");
    assert_eq!(tiny.u8("first"), Ok(1));
    let error = tiny.u32("second").expect_err("ends");
    assert_eq!(error.to_string(), "box tiny ends inside second at byte 17");
}

#[test]
fn what_is_written_is_what_is_read() {
    let mut out = Vec::new();
    put_box::<BoxTooLarge>(&mut out, b"outr", |out| {
        put_full_box(out, b"full", 1, 0x00AB_CDEF, |out| {
            put_u64(out, 7);
            put_u16(out, 8);
            Ok(())
        })
    })
    .expect("small");
    let mut full = Reader::new(b"file", &out).child(b"outr").expect("reads").child(b"full").expect("reads");
    assert_eq!(full.version_flags(), Ok((1, 0x00AB_CDEF)));
    assert_eq!(full.u32_or_u64(1, "time"), Ok(7));
    assert_eq!(full.u16("tail"), Ok(8));
    assert_eq!((full.left(), full.next_box().expect("reads").is_none()), (0, true));
}

#[test]
fn four_letters_that_are_none_are_printed_escaped() {
    assert_eq!(FourCc([0xA9, b'n', 0, b'\n']).to_string(), r"\xa9n\x00\n");
}
