package com.example.shop

import io.sentry.Sentry
import java.util.UUID
import scala.concurrent.{Await, ExecutionContext, Future}
import scala.concurrent.duration._
import scala.util.{Random, Try}

// @moved
case class Customer(name: String)
case class Order(customer: Option[Customer], total: Int) {
  require(total >= 0, s"total is $total")
}
class Failed(message: String, cause: Throwable) extends RuntimeException(message, cause)

sealed trait Payment
case object Cash extends Payment
case class Card(number: String) extends Payment

object Prices {
  lazy val rates: Map[String, Int] = Map("vat" -> "nineteen".toInt)
  def parse(text: String): Int = text.replace(".", "").toInt
  def discount(depth: Int): Double = discount(depth + 1) * 0.9
  def kind(payment: Payment): Int = payment match { case Card(number) => number.toInt }
  def load(text: String): Int =
    try parse(text)
    catch { case error: NumberFormatException => throw new Failed(s"cannot load $text", error) }
  def curried(digits: Int)(value: String): Double = value.toDouble / (digits / digits)
  def byName(value: => Int): Int = value + 1
  def implicitly_(text: String)(implicit parser: String => Int): Int = parser(text)
}

object Cases {
  import ExecutionContext.Implicits.global
  implicit val parser: String => Int = text => Integer.parseInt(text)

  val all: Map[String, () => Any] = Map(
    "option" -> (() => Order(None, 1).customer.get.name),
    "null-pointer" -> (() => Customer(null).name.length),
    "match-error" -> (() => Prices.kind(Cash)),
    "require" -> (() => Order(None, -1 - Random.nextInt(99))),
    "number" -> (() => Prices.parse(s"${Random.nextInt(99)} boxes")),
    "chained" -> (() => Prices.load(UUID.randomUUID.toString)),
    "recursion" -> (() => Prices.discount(0)),
    "lazy" -> (() => Prices.rates("vat")),
    "lambda" -> (() => List("1", "two").map(text => text.toInt)),
    "lambda-nested" -> (() => List(List("1"), List("x")).map(row => row.map(text => text.toInt))),
    "comprehension" -> (() => for { row <- List("a"); one <- row.split("") } yield one.toInt),
    "partial-function" -> (() => List(1, 2).collect { case n if 6 / (n - 1) > 0 => n }),
    "method-value" -> (() => List("x").map(Prices.parse)),
    "curried" -> (() => Prices.curried(0)("1.5")),
    "by-name" -> (() => Prices.byName(Prices.parse("late"))),
    "implicit" -> (() => Prices.implicitly_("three")),
    "try" -> (() => Try(Prices.parse("n/a")).get),
    "future" -> (() => Await.result(Future(Prices.parse("later")).map(_ + 1), 5.seconds)),
    "await-timeout" -> (() => Await.result(Future(Thread.sleep(2000)), 10.millis)),
    "empty-list" -> (() => List.empty[Int].reduce(_ + _)),
    "map-key" -> (() => Map("tea" -> 1)(s"coffee ${Random.nextInt(99)}")),
    "message" -> (() => Sentry.captureMessage("price list is older than a day"))
  )
}

object Main {
  def main(args: Array[String]): Unit = {
    Sentry.init { (options: io.sentry.SentryOptions) =>
      options.setDsn(System.getenv("SENTRY_DSN"))
      options.setRelease(System.getenv("APP_RELEASE"))
      options.setEnvironment("production")
      options.setServerName("app-1")
      options.addInAppInclude("com.example.shop")
    }
    Runtime.getRuntime.addShutdownHook(new Thread(() => Sentry.flush(5000)))
    Cases.all(args(0))()
    Sentry.flush(5000)
  }
}
