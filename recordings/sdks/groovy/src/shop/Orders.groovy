package shop

/** Orders, with the mistakes that people make. */
class Orders {
    Map lines

    // @moved
    static int parse(String text) { Integer.parseInt(text.replace('.', '')) }

    static customer(order) { order.customer.name }

    static share(int sum, int people) { sum.intdiv(people) }

    static discount(int depth) { discount(depth + 1) * 0.9 }

    static load(String text) {
        try {
            parse(text)
        } catch (NumberFormatException error) {
            throw new IllegalStateException("cannot load $text", error)
        }
    }

    def total() { lines.tea + 1 }

    def methodMissing(String name, args) {
        if (name.startsWith('find')) {
            return [][args[0]].name
        }
        throw new MissingMethodException(name, Orders, args as Object[])
    }

    static checked(int price) {
        assert price >= 0
        price
    }
}
