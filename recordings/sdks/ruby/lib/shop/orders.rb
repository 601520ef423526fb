# Orders, with the mistakes that people make.
require "forwardable"
require "json"
require "singleton"

module Orders
  class Failed < StandardError; end

  # @moved
  def self.customer(order) = order.customer.name
  def self.discount(percent) = percent * rebate_factor
  def self.total(order) = order.fetch("total")
  def self.rename(name) = name << "!"

  def self.load(text)
    JSON.parse(text)
  rescue JSON::ParserError
    raise Failed, "cannot load order"
  end

  def self.checkout(cart)
    load(cart)
  rescue Failed => error
    raise ArgumentError, "checkout of #{cart} failed", cause: error
  end

  def self.guarded
    raise "first"
  rescue RuntimeError
    [nil].each { |order| order.close }
  end

  def self.ensured
    1
  ensure
    [nil].each(&:unlock)
  end

  def self.insert_twice(key)
    db = SQLite3::Database.new(":memory:")
    db.execute("create table carts (id text unique)")
    2.times { db.execute("insert into carts values (?)", [key]) }
  end

  class Record
    def initialize(fields)
      @fields = fields
    end

    def method_missing(name, *)
      @fields.key?(name) ? @fields[name] : super
    end

    def respond_to_missing?(name, all = false) = @fields.key?(name) || super

    %w[price].each do |field|
      define_method("#{field}_in_cents") { Float(@fields[field.to_sym]) * 100 }
    end

    private

    def secret = 1
  end

  class Shipment
    def ship = carrier.upcase
    def carrier = raise(NotImplementedError, "#{self.class} has no carrier")
  end

  class Express < Shipment; end

  module Weighed
    def weigh = grams * 2
  end

  class Parcel
    include Weighed
    attr_reader :grams
  end

  class Singleton
    include ::Singleton
    def balance = @entries.sum
  end

  class Wrapped
    extend Forwardable
    def_delegators :@order, :name
    def initialize(order)
      @order = order
    end
  end
end
