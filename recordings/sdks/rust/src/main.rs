//! Runs one case; a panic is reported by the SDK's hook.

mod cases;
mod orders;
mod prices;

fn main() {
    let dsn = std::env::var("SENTRY_DSN").unwrap();
    let _guard = sentry::init((
        dsn,
        sentry::ClientOptions::new()
            .release(std::env::var("APP_RELEASE").unwrap())
            .environment("production")
            .server_name("app-1")
            .attach_stacktrace(true),
    ));
    let name = std::env::args().nth(1).unwrap();
    cases::run(&name);
}
