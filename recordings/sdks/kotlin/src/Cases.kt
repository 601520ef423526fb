package com.example.shop

import io.sentry.Sentry
import java.io.File
import java.util.UUID
import kotlin.properties.Delegates
import kotlin.random.Random
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.DelicateCoroutinesApi
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.GlobalScope
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout

// @moved
class Order(val customer: Customer?) {
    lateinit var address: String
    val total: Int by lazy { customer!!.name.toInt() }
    var lines: List<Int> by Delegates.notNull()
}

class Customer(val name: String)

data class Item(val name: String, val count: Int) {
    init {
        require(count >= 0) { "count of $name is $count" }
    }
}

sealed interface Payment {
    data object Cash : Payment
    data class Card(val number: String?) : Payment
}

object Rates {
    val vat: Int = "nineteen".toInt()
}

interface Priced { fun price(): Int }

class Discounted(inner: Priced) : Priced by inner

fun Order.customerName(): String = customer!!.name

fun parse(text: String): Int = text.replace(".", "").toInt()

fun discount(depth: Int): Double = discount(depth + 1) * 0.9

tailrec fun down(depth: Int): Int = if (depth == 0) error("no discount left") else down(depth - 1)

inline fun <T> guarded(name: String, work: () -> T): T =
    try {
        work()
    } catch (error: NumberFormatException) {
        throw IllegalStateException("cannot $name", error)
    }

inline fun <reified T> cast(value: Any): T = value as T

fun number(payment: Payment): Int = when (payment) {
    is Payment.Cash -> 0
    is Payment.Card -> payment.number!!.toInt()
}

suspend fun stock(name: String): Int {
    delay(1)
    throw NoSuchElementException("stock of $name is unknown, batch ${Random.nextInt(999999)}")
}

suspend fun stocks(): List<Int> = coroutineScope { listOf("tea", "coffee").map { async { stock(it) } }.map { it.await() } }

@OptIn(DelicateCoroutinesApi::class)
val cases: Map<String, () -> Unit> = mapOf(
    "not-null" to { Order(null).customerName() },
    "lateinit" to { Order(null).address.length },
    "lazy" to { Order(Customer("tea")).total },
    "delegate" to { Order(null).lines.size },
    "number" to { parse("${Random.nextInt(99)} boxes") },
    "require" to { Item("tea", -Random.nextInt(1, 9)) },
    "check" to { check(cases.isEmpty()) { "till is open since ${Random.nextInt(99)} minutes" } },
    "todo" to { TODO("carrier") },
    "when-sealed" to { number(Payment.Card(null)) },
    "object-init" to { Rates.vat },
    "inline" to { guarded("read price") { parse("x") } },
    "reified" to { cast<Int>("tea") },
    "lambda" to { listOf("1", "two").map { it.toInt() } },
    "lambda-nested" to { listOf(listOf("1"), listOf("two")).map { row -> row.map { it.toInt() } } },
    "function-reference" to { listOf("1", "two").map(::parse) },
    "sequence" to { generateSequence(3) { it - 1 }.map { 6 / it }.take(5).toList() },
    "scope-functions" to { Order(null).apply { also { it.customer.let { one -> one!!.name } } } },
    "default-arguments" to { listOf(1, 2).windowed(size = 0) },
    "collection" to { emptyList<Int>().first() },
    "map-value" to { mapOf("tea" to 1).getValue("coffee-${Random.nextInt(99)}") },
    "recursion" to { discount(0) },
    "tail-recursion" to { down(1000) },
    "delegation" to { Discounted(object : Priced { override fun price() = 1 / (Random.nextInt(1)) }).price() },
    "companion" to { Companions.make() },
    "coroutine" to { runBlocking { stock("tea") } },
    "coroutine-async" to { runBlocking { stocks() } },
    "coroutine-launch" to { runBlocking { launch(Dispatchers.Default) { parse("launched") } } },
    "coroutine-context" to { runBlocking { withContext(Dispatchers.IO) { File("/srv/feeds/${UUID.randomUUID()}.csv").readText() } } },
    "coroutine-timeout" to { runBlocking { withTimeout(10) { delay(5000) } } },
    "coroutine-handler" to {
        val handler = CoroutineExceptionHandler { _, error -> Sentry.captureException(error) }
        runBlocking { GlobalScope.launch(handler) { stock("cocoa") }.join() }
    },
    "flow" to { runBlocking { flow { emit("x") }.map { it.toInt() }.toList() } },
    "thread" to { kotlin.concurrent.thread { parse("three") }.join() },
    "handled" to { try { parse("${Random.nextInt(99)} EUR") } catch (error: NumberFormatException) { Sentry.captureException(error) } },
    "message" to { Sentry.captureMessage("price list is older than a day") },
)

class Companions {
    companion object {
        fun make(): Customer = Customer(System.getenv("NO_SUCH_NAME")!!)
    }
}
