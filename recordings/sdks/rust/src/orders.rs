//! Orders, with the mistakes that people make.

use std::cell::RefCell;
use std::fmt;

use anyhow::{bail, Context};

use crate::prices;

// @moved
#[derive(Debug)]
pub struct LoadError(std::num::ParseIntError);

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cannot load order")
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

pub fn customer(order: Option<&str>) {
    println!("{}", order.unwrap());
}

pub fn settings(text: &str) {
    let found = text.strip_prefix("{}").expect("settings of the shop are broken");
    println!("{found}");
}

pub fn status(code: u8) {
    match code {
        0 => println!("open"),
        _ => unreachable!("status {code}"),
    }
}

pub fn carrier() {
    todo!("choose a carrier")
}

pub fn borrowed_twice() {
    let stock = RefCell::new(1);
    let _held = stock.borrow_mut();
    *stock.borrow_mut() += 1;
}

pub trait Carrier {
    fn grams(&self) -> Option<u32>;

    fn weigh(&self) {
        println!("{}", self.grams().unwrap());
    }
}

pub struct Express;

impl Carrier for Express {
    fn grams(&self) -> Option<u32> {
        None
    }
}

pub fn ship(carrier: &dyn Carrier) {
    carrier.weigh();
}

pub struct Lock;

impl Drop for Lock {
    fn drop(&mut self) {
        panic!("lock was never taken");
    }
}

pub fn load(text: &str) -> Result<u32, LoadError> {
    prices::parsed(text).map_err(LoadError)
}

pub fn checked(order: u64) -> anyhow::Result<()> {
    bail!("order {order} has no lines")
}

pub fn checkout(order: u64) -> anyhow::Result<()> {
    checked(order).with_context(|| format!("checkout of cart {order}"))
}
