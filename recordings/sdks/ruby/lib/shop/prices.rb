# Prices, with the mistakes that people make.
module Prices
  module Cents
    refine String do
      def cents = Integer(self)
    end
  end

  using Cents

  module_function

  # @moved
  def parse(text) = Integer(text.delete("."))
  def share(sum, people) = sum / people
  def add_tax(net) = net + 19
  def at(prices, place) = prices.fetch(place)
  def discount(depth) = discount(depth + 1) * 0.9
  def refined(text) = text.cents

  def rounder(digits)
    ->(value) { value.round(digits) }
  end

  def each_offer
    [{ cents: 1 }].each { |offer| yield offer }
  end

  def running = Enumerator.new { |out| out << [1, 2] }

  def kind(offer)
    case offer
    in { price: Integer } then :price
    in { gift: true } then :gift
    end
  end
end
