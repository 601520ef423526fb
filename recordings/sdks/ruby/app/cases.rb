# The cases: a small shop that fails in many ways.
require "date"
require "erb"
require "forwardable"
require "json"
require "net/http"
require "securerandom"
require "socket"
require "sqlite3"
require "timeout"
require "yaml"
# @moved
require_relative "../lib/shop/orders"
require_relative "../lib/shop/prices"

module Cases
  module_function

  def nil_method = Orders.customer(nil)
  def name_error = Orders.discount(rand(99))
  def argument_error = Prices.parse("#{rand(99)} boxes")
  def wrong_arguments = Prices.parse
  def zero_division = Prices.share(rand(99), 0)
  def type_error = Prices.add_tax("100")
  def key_error = Orders.total({ "id" => rand(99) })
  def frozen = Orders.rename("tea".freeze)
  def index_error = Prices.at([1], 5 + rand(99))
  def chained = Orders.load("{\"id\": #{rand(99)}, ")
  def chained_twice = Orders.checkout(SecureRandom.uuid)
  def block = [1, nil].each { |item| item + 1 }
  def block_nested = [[1], [nil]].each { |row| row.map { |item| item.abs } }
  def lambda_call = Prices.rounder("two").call(3.14)
  def proc_new = proc { |order| order.fetch(:total) }.call({})
  def symbol_to_proc = ["tea", 3].map(&:upcase)
  def yield_to_block = Prices.each_offer { |offer| offer[:cents] / 0 }
  def rescue_block = Orders.guarded
  def ensure_block = Orders.ensured
  def method_missing_name = Orders::Record.new({}).total
  def define_method_made = Orders::Record.new({ price: "x" }).price_in_cents
  def send_private = Orders::Record.new({}).secret
  def instance_eval_text = Object.new.instance_eval("1 + missing_#{rand(9)}")
  def class_eval_block = Class.new { define_method(:ship) { raise "no carrier" } }.new.ship
  def eval_text = eval("{ price: 3 }.fetch(:net)") # rubocop:disable all
  def syntax_error = eval("1 +* 2")
  def struct_member = Struct.new(:name).new("tea")[:price]
  def inherited = Orders::Express.new.ship
  def mixin = Orders::Parcel.new.weigh
  def singleton = Orders::Singleton.instance.balance
  def delegated = Orders::Wrapped.new(nil).name
  def refinement = Prices.refined("a")
  def enumerator = Prices.running.next.fetch(3)
  def fiber = Fiber.new { Orders.customer(nil) }.resume
  def thread = Thread.new { Thread.current.report_on_exception = false; Prices.share(1, 0) }.join
  def thread_value = Thread.new { Thread.current.report_on_exception = false; Orders.customer(nil) }.value
  def timeout = Timeout.timeout(0.02) { sleep 5 }
  def throw_uncaught = throw(:"done_#{rand(9)}")
  def pattern = Prices.kind({ weight: rand(99) })
  def missing_file = File.read("/srv/feeds/#{SecureRandom.uuid}.csv")
  def socket_refused = TCPSocket.new("127.0.0.1", free_port)
  def http_refused = Net::HTTP.get(URI("http://127.0.0.1:#{free_port}/stock/#{rand(99)}"))
  def json = JSON.parse("{\"order\": ")
  def yaml = YAML.safe_load("a: [")
  def date = Date.parse("2025-13-#{10 + rand(9)}")
  def template = ERB.new("Hello\n<%= order.customer %>").result_with_hash(order: nil)
  def sqlite = SQLite3::Database.new(":memory:").execute("select * from orders_#{rand(99)}")
  def sqlite_unique = Orders.insert_twice(SecureRandom.uuid)
  def load_error = require("plugins/tax_#{rand(9)}")
  def not_implemented = Orders::Shipment.new.carrier
  def exit_status = abort("cannot start")
  def only_library = Kernel.instance_method(:Integer).bind_call(self, "x")

  def handled
    Prices.parse("#{rand(99)} EUR")
  rescue ArgumentError => error
    Sentry.capture_exception(error)
  end

  def no_backtrace = Sentry.capture_exception(ArgumentError.new("order #{rand(1e6)} has no lines"))
  def message = Sentry.capture_message("price list is older than a day")
  def message_with_ids = Sentry.capture_message("order #{rand(10**7)} is stuck for #{rand(90)} ms")

  def fingerprint_custom
    Sentry.with_scope do |scope|
      scope.set_fingerprint(%w[payment card])
      Sentry.capture_exception(RuntimeError.new("declined #{rand(99)}"))
    end
  end

  def fingerprint_hybrid
    Sentry.with_scope do |scope|
      scope.set_fingerprint(["{{ default }}", "tenant-blue"])
      handled
    end
  end

  def free_port
    server = TCPServer.new("127.0.0.1", 0)
    server.addr[1].tap { server.close }
  end
end
