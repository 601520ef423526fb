//! The cases: a small shop that fails in many ways.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{orders, prices};

fn random(below: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) / 7 % below
}

// @moved
pub fn run(name: &str) {
    match name {
        "unwrap-none" => orders::customer(None),
        "unwrap-error" => prices::parse(&format!("{} boxes", random(99))),
        "expect" => orders::settings("{"),
        "index" => prices::at(&[1, 2], 5 + random(99) as usize),
        "slice" => prices::first("tea", 9),
        "char-boundary" => prices::first("tée", 2),
        "divide" => prices::share(random(99), 0),
        "overflow" => prices::sum(u8::MAX, 1 + random(9) as u8),
        "panic" => panic!("order {} has no lines", random(1_000_000)),
        "panic-plain" => panic!("till is open"),
        "assert" => assert!(prices::cheap(100), "price is too high: {}", random(99)),
        "assert-eq" => assert_eq!(prices::cents("1"), 1),
        "unreachable" => orders::status(9),
        "todo" => orders::carrier(),
        "borrow" => orders::borrowed_twice(),
        "closure" => [1, 0].iter().map(|n| 6 / n).for_each(drop),
        "closure-boxed" => prices::rounder(0)(3),
        "generic" => prices::largest::<u32>(&[]),
        "trait-object" => orders::ship(&orders::Express),
        "trait-default" => orders::Carrier::weigh(&orders::Express),
        "operator" => drop(prices::Cents(1) - prices::Cents(2)),
        "iterator" => drop(prices::Running(3).map(|n| 6 / n).collect::<Vec<_>>()),
        "recursion" => prices::deep(40),
        "drop" => drop(orders::Lock),
        "hash-map" => drop(HashMap::from([("tea", 1)])["coffee"]),
        "mutex-poisoned" => poisoned(),
        "thread" => drop(std::thread::spawn(|| orders::customer(None)).join()),
        "thread-named" => drop(std::thread::Builder::new().name(format!("worker-{}", random(9))).spawn(|| prices::share(1, 0)).unwrap().join()),
        "catch" => drop(std::panic::catch_unwind(|| prices::at(&[], 0))),
        "error" => { sentry::capture_error(&prices::parsed(&format!("{} boxes", random(99))).unwrap_err()); }
        "error-chained" => { sentry::capture_error(&orders::load(&format!("order-{}", random(9999))).unwrap_err()); }
        "error-boxed" => { sentry::capture_error(&*Box::<dyn std::error::Error>::from("no stock")); }
        "error-io" => { sentry::capture_error(&std::fs::read(format!("/srv/feeds/{}.csv", random(9999))).unwrap_err()); }
        "error-refused" => { sentry::capture_error(&refused().unwrap_err()); }
        "error-utf8" => { sentry::capture_error(&String::from_utf8(vec![0xe9, random(99) as u8]).unwrap_err()); }
        "anyhow" => { sentry::integrations::anyhow::capture_anyhow(&orders::checked(random(99)).unwrap_err()); }
        "anyhow-context" => { sentry::integrations::anyhow::capture_anyhow(&orders::checkout(random(99)).unwrap_err()); }
        "message" => { sentry::capture_message("price list is older than a day", sentry::Level::Warning); }
        "message-with-ids" => { sentry::capture_message(&format!("order {} is stuck for {} ms", random(999_999), random(90)), sentry::Level::Error); }
        "fingerprint-custom" => sentry::with_scope(
            |scope| scope.set_fingerprint(Some(&["payment", "card"])),
            || { sentry::capture_error(&prices::parsed("x").unwrap_err()); },
        ),
        other => unimplemented!("{other}"),
    }
}

fn poisoned() {
    let stock = Arc::new(Mutex::new(1));
    let theirs = Arc::clone(&stock);
    sentry::with_integration(|_: &sentry::integrations::panic::PanicIntegration, _| ());
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    drop(std::thread::spawn(move || { let _held = theirs.lock(); panic!("quiet") }).join());
    std::panic::set_hook(hook);
    drop(stock.lock().unwrap());
}

fn refused() -> std::io::Result<std::net::TcpStream> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    std::net::TcpStream::connect(("127.0.0.1", port))
}
