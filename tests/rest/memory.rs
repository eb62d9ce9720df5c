//! Whatever comes in, the memory that decoding takes is bounded.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;

/// Counts the bytes that this thread holds, and the most that it held.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(bytes: isize) {
    let held = HELD.get() + bytes;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

const BODY: usize = 4 << 20;

fn repeated(begin: &str, part: impl Fn(usize) -> String, end: &str) -> Vec<u8> {
    let mut body = begin.to_owned();
    let mut number = 0;
    while body.len() < BODY {
        if number > 0 {
            body.push(',');
        }
        body.push_str(&part(number));
        number += 1;
    }
    body.push_str(end);
    body.into_bytes()
}

/// Bodies that ask for much more than they are.
fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let again = |part: &'static str| move |_| part.to_owned();
    let table = |rows: usize| {
        let header: Vec<String> = (0..20_000).map(|name| name.to_string()).collect();
        let row = ",".repeat(header.len() - 1) + "\n";
        (header.join(",") + "\n" + &row.repeat(rows)).into_bytes()
    };
    vec![
        ("numbers", repeated("{\"instances\":[", again("1"), "]}")),
        ("nulls", repeated("{\"instances\":[", again("null"), "]}")),
        ("texts", repeated("{\"instances\":[", again("\"\""), "]}")),
        ("mixed", repeated("{\"instances\":[\"\",", again("1"), "]}")),
        ("late", repeated("{\"instances\":[", again("1"), ",\"\"]}")),
        ("rows", repeated("{\"instances\":[", again("[1]"), "]}")),
        ("deep", "[".repeat(BODY).into_bytes()),
        (
            "records",
            repeated("{\"instances\":[", again("{\"a\":1}"), "]}"),
        ),
        (
            "keys",
            repeated("{\"instances\":[", |n| format!("{{\"{n}\":1}}"), "]}"),
        ),
        (
            "wide",
            repeated("{\"instances\":[{", |n| format!("\"{n}\":1"), "}]}"),
        ),
        (
            "wide once",
            repeated(
                "{\"instances\":[{\"a\":[",
                again("1"),
                "]},{\"a\":null},{\"a\":null}]}",
            ),
        ),
        (
            "columns",
            repeated("{\"inputs\":{", |n| format!("\"{n}\":[]"), "}}"),
        ),
        (
            "tensors",
            repeated("{\"inputs\":[{\"datatype\":\"FP64\"},", again("{}"), "]}"),
        ),
        (
            "shapes",
            repeated(
                "{\"inputs\":[{\"datatype\":\"FP64\"},",
                |_| format!("{{\"shape\":[1{}]}}", ",1".repeat(63)),
                "]}",
            ),
        ),
        (
            "typed",
            repeated(
                "{\"inputs\":[{\"datatype\":\"FP64\",\"data\":[",
                again("1"),
                "]}]}",
            ),
        ),
        (
            "misfit",
            repeated(
                "{\"inputs\":[{\"datatype\":\"FP64\",\"data\":[",
                again("1"),
                ",null]}]}",
            ),
        ),
        (
            "strings",
            repeated(
                "{\"inputs\":[{\"datatype\":\"BYTES\",\"data\":[",
                again("\"\""),
                ",1]}]}",
            ),
        ),
        (
            "escapes",
            repeated(
                "{\"inputs\":[{\"datatype\":\"BYTES\",\"data\":[",
                again("\"\\n\""),
                "]}]}",
            ),
        ),
        (
            "names",
            repeated(
                "{\"dataframe_split\":{\"data\":[],\"columns\":[",
                again("1"),
                "]}}",
            ),
        ),
        (
            "seldon",
            repeated(
                "{\"data\":{\"tensor\":{\"shape\":[2],\"values\":[",
                again("1"),
                "]}}}",
            ),
        ),
        ("gzip", gzip(&vec![b' '; 64 << 20])),
        ("csv", table(200)),
        ("csv of nothing", table(0)),
        ("csv of commas", vec![b','; BODY]),
        ("csv of lines", b"a\n1".repeat(BODY / 3)),
    ]
}

#[test]
fn memory_is_bounded_whatever_a_body_asks_for() {
    for decoded_bytes in [1 << 20, 8 << 20] {
        let limits = Limits {
            decoded_bytes,
            ..Limits::default()
        };
        for (name, body) in hostile() {
            let is_table = name.starts_with("csv");
            let headers: &[_] = match is_table {
                true => &[("content-type", "text/csv")],
                false => &[],
            };
            let call = Exchange {
                request: message(headers, body),
                ..exchange("/invocations", "", "{\"predictions\": [0]}")
            };
            MOST.set(HELD.get());
            let before = HELD.get();
            let decoded = decode(call, UNNAMED, &limits);
            let most = (MOST.get() - before) as usize;
            // What is moved to a larger place is there twice for a moment.
            assert!(
                most < 2 * decoded_bytes + (64 << 10),
                "{name}: {most} of {decoded_bytes}"
            );
            drop(decoded);
        }
    }
}

#[test]
fn values_that_do_not_fit_are_too_large_and_the_call_is_known() {
    let body = repeated("{\"instances\":[", |_| "1".to_owned(), "]}");
    let rows = body.iter().filter(|byte| **byte == b'1').count();
    let found = inputs(std::str::from_utf8(&body).unwrap());
    let too_large = Elements::Unusable(Unusable::TooLarge);
    assert_eq!(found, [tensor("", &[rows], too_large)]);
    let few = repeated(
        "{\"inputs\":[{\"datatype\":\"INT8\",\"data\":[",
        |_| "1".to_owned(),
        "]}]}",
    );
    let found = inputs(std::str::from_utf8(&few).unwrap());
    let Elements::Fixed { data, .. } = &found[0].elements else {
        panic!("one byte each fits");
    };
    assert_eq!(found[0].shape, [data.len()]);
}

#[test]
fn too_many_tensors_are_a_fault() {
    let body = repeated(
        "{\"inputs\":[{\"datatype\":\"FP64\"},",
        |_| "{}".to_owned(),
        "]}",
    );
    assert_eq!(fault(body), Undecodable::TooManyElements);
}
