package com.example.shop;

import java.util.Collection;
import java.util.Map;

/** Prices, with the mistakes that people make. */
class Prices {
    // @moved
    static int parse(String text) {
        return Integer.parseInt(text.replace(".", ""));
    }

    static int cents(Map<String, ?> offer) {
        return (Integer) offer.get("cents");
    }

    static int at(int[] prices, int place) {
        return prices[place];
    }

    static int share(int sum, int people) {
        return sum / people;
    }

    static double discount(int depth) {
        return discount(depth + 1) * 0.9;
    }

    static boolean even(int number) {
        return number == 0 || !odd(number - 1);
    }

    static boolean odd(int number) {
        return number != 0 && !even(number - 1);
    }

    static class Box<T> {
        private final T content;

        Box(T content) {
            this.content = content;
        }

        @SuppressWarnings("unchecked")
        <R> R as() {
            return (R) content;
        }
    }

    static <T extends Comparable<T>> T largest(Collection<T> values) {
        T best = null;
        for (T value : values) {
            best = best == null || value.compareTo(best) > 0 ? value : best;
        }
        return best.compareTo(best) == 0 ? best : null;
    }

    static String kind(Object value) {
        if (value instanceof Integer) {
            return "int";
        }
        throw new IllegalArgumentException("no price: " + value);
    }

    static int checked(int price) {
        if (price < 0) {
            throw new AssertionError("negative price " + price);
        }
        return price;
    }
}
