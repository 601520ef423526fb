# Runs one case; what it raises is reported by the SDK and raised again.
require "sentry-ruby"

Sentry.init do |config|
  config.dsn = ENV["SENTRY_DSN"]
  config.release = ENV["APP_RELEASE"]
  config.environment = "production"
  config.server_name = "app-1"
  config.background_worker_threads = 0
  config.logger = Logger.new(File::NULL)
end

require_relative "app/cases"
begin
  Cases.public_send(ARGV[0].tr("-", "_"))
rescue Exception => error # rubocop:disable Lint/RescueException
  Sentry.capture_exception(error)
end
