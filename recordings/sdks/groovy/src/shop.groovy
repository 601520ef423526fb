import io.sentry.Sentry
import shop.Orders

Sentry.init { options ->
    options.dsn = System.getenv('SENTRY_DSN')
    options.release = System.getenv('APP_RELEASE')
    options.environment = 'production'
    options.serverName = 'app-1'
    options.addInAppInclude('shop')
}

// @moved
def random = new Random()
def cases = [
    'null-pointer': { Orders.customer(null) },
    'missing-property': { Orders.customer([customer: 'tea']) },
    'missing-method': { new Orders().ship(random.nextInt(99)) },
    'method-missing-made': { new Orders().findByName(3) },
    'number': { Orders.parse("${random.nextInt(99)} boxes") },
    'divide': { Orders.share(random.nextInt(99), 0) },
    'chained': { Orders.load(UUID.randomUUID().toString()) },
    'recursion': { Orders.discount(0) },
    'closure': { ['1', 'two'].collect { text -> Orders.parse(text) } },
    'closure-nested': { [['1'], ['two']].collect { row -> row.collect { it as Integer } } },
    'curried': { Orders.&share.curry(1).call(0) },
    'method-pointer': { ['x'].each(Orders.&parse) },
    'memoized': { ({ String text -> Orders.parse(text) }.memoize())('x') },
    'with': { new Orders(lines: [:]).with { total() } },
    'power-assert': { Orders.checked(-1) },
    'evaluated': { new GroovyShell().evaluate('[].first()') },
    'script-syntax': { new GroovyShell().parse('def total = 1 +* 2') },
    'thread': { Thread.start { Orders.parse('three') }.join() },
    'message': { Sentry.captureMessage('price list is older than a day') },
]
try {
    cases[args[0]].call()
} catch (Throwable error) {
    Sentry.captureException(error)
}
Sentry.flush(5000)
