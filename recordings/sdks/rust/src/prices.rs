//! Prices, with the mistakes that people make.

use std::fmt::Debug;

// @moved
pub fn parse(text: &str) {
    parsed(text).unwrap();
}

pub fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

pub fn at(prices: &[u32], place: usize) {
    println!("{}", prices[place]);
}

pub fn first(name: &str, bytes: usize) {
    println!("{}", &name[..bytes]);
}

pub fn share(sum: u64, people: u64) {
    println!("{}", sum / people);
}

pub fn sum(a: u8, b: u8) {
    println!("{}", a + b);
}

pub fn cheap(price: u32) -> bool {
    price < 10
}

pub fn cents(text: &str) -> u32 {
    parsed(text).unwrap_or(0) * 100
}

pub fn rounder(digits: u32) -> Box<dyn Fn(u32)> {
    Box::new(move |value| println!("{}", value / digits))
}

pub fn largest<T: Ord + Debug>(values: &[T]) {
    println!("{:?}", values.iter().max().unwrap());
}

pub struct Cents(pub u32);

impl std::ops::Sub for Cents {
    type Output = Cents;

    fn sub(self, other: Cents) -> Cents {
        Cents(self.0 - other.0)
    }
}

pub struct Running(pub u32);

impl Iterator for Running {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let now = self.0;
        self.0 = now.checked_sub(1)?;
        Some(self.0)
    }
}

pub fn deep(depth: u32) {
    if depth == 0 {
        panic!("discounts of discounts of discounts");
    }
    deep(depth - 1);
}
