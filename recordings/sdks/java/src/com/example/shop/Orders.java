package com.example.shop;

import java.util.UUID;
import java.util.function.Supplier;

/** Orders, with the mistakes that people make. */
class Orders {
    private int[] lines;

    // @moved
    enum Status { OPEN, PAID }

    static class Failed extends RuntimeException {
        Failed(String message, Throwable cause) {
            super(message, cause);
        }
    }

    static String customer(Orders order) {
        return order.toString();
    }

    static Orders find(int number) {
        return null;
    }

    static void load(String name) {
        try {
            Prices.parse(name);
        } catch (NumberFormatException error) {
            throw new Failed("cannot load " + name, error);
        }
    }

    static void checkout(UUID cart) throws Exception {
        try {
            load(cart.toString());
        } catch (Failed error) {
            throw new Exception(error);
        }
    }

    static Supplier<Integer> lazy() {
        return new Supplier<>() {
            private Integer price;

            @Override
            public Integer get() {
                return price + 1;
            }
        };
    }

    class Line {
        int total() {
            return lines[0];
        }
    }

    abstract static class Shipment {
        abstract String carrier();

        String ship() {
            return carrier().toUpperCase();
        }
    }

    static class Express extends Shipment {
        @Override
        String carrier() {
            throw new UnsupportedOperationException("no carrier for " + getClass().getSimpleName());
        }
    }

    interface Weighed {
        Integer grams();

        default int weigh() {
            return grams() * 2;
        }
    }

    static class Parcel implements Weighed {
        @Override
        public Integer grams() {
            return null;
        }
    }

    record Item(String name, int count) {
        Item {
            if (count < 0) {
                throw new IllegalArgumentException("count of " + name + " is " + count);
            }
        }
    }

    static class Count {
        public int count;
    }
}
