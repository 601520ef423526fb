"""How the programs of each language are installed, built and run: one entry per folder.

Commands are run in the program's home, without a shell. `{case}` is the case's name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Command = tuple[str, ...]


class Plan(NamedTuple):
    """What is done once (`prepare`), once per release (`build`), and per case (`run`)."""

    run: Command
    prepare: tuple[Command, ...] = ()
    build: tuple[Command, ...] = ()
    comment: str = "//"
    packages: tuple[str, ...] = ()
    """Debian packages that must be there."""
    browsers: tuple[str, ...] = ()
    """Run in these instead, `run` being unused."""
    program: str = ""
    """The file with the debug information of a program whose SDK sends addresses only."""


JARS: Final[Command] = (
    "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"
)  # fmt: skip
JAVA: Final[Command] = (
    "java", "-Xss512k", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", "classes:lib/*"
)  # fmt: skip

PLANS: Final[dict[str, Plan]] = {
    "python": Plan(
        prepare=(
            ("/usr/bin/python3", "-m", "venv", "venv"),
            ("venv/bin/python", "-m", "pip", "install", "-q", "-r", "requirements.txt"),
        ),
        run=("venv/bin/python", "main.py", "{case}"),
        comment="#",
        packages=("python3-venv",),
    ),
    "node": Plan(
        prepare=(("npm", "install", "--no-audit", "--no-fund", "--silent"),),
        build=(("node", "build.js"),),
        run=("node", "main.js", "{case}"),
        packages=("nodejs",),
    ),
    "javascript": Plan(
        prepare=(("npm", "install", "--no-audit", "--no-fund", "--silent"),),
        build=(("node", "build.js"),),
        run=(),
        packages=("chromium", "firefox-esr"),
        browsers=("chromium", "firefox"),
    ),
    "java": Plan(
        prepare=(JARS,),
        build=(("sh", "-c", "javac -g -d classes -cp 'lib/*' src/com/example/shop/*.java"),),
        run=(*JAVA, "com.example.shop.Main", "{case}"),
        packages=("maven", "default-jdk"),
    ),
    "kotlin": Plan(
        prepare=(JARS,),
        build=(
            (
                "java", "-cp", "lib/*", "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-nowarn",
                "-no-stdlib", "-no-reflect", "-cp", "{jars}", "-d", "classes", "src",
            ),
        ),
        run=(*JAVA, "com.example.shop.MainKt", "{case}"),
        packages=("maven", "default-jdk"),
    ),
    "scala": Plan(
        prepare=(JARS,),
        build=(
            ("mkdir", "-p", "classes"),
            (
                "java", "-cp", "lib/*", "scala.tools.nsc.Main", "-usejavacp", "-nowarn",
                "-d", "classes", "src/Shop.scala",
            ),
        ),
        run=(*JAVA, "com.example.shop.Main", "{case}"),
        packages=("maven", "default-jdk"),
    ),
    "clojure": Plan(
        prepare=(JARS,),
        run=("java", "-Xss512k", "-cp", "src:lib/*", "clojure.main", "-m", "shop.main", "{case}"),
        comment=";",
        packages=("maven", "default-jdk"),
    ),
    "groovy": Plan(
        prepare=(JARS,),
        run=(
            "java", "-Xss512k", "-cp", "src:lib/*", "groovy.ui.GroovyMain", "src/shop.groovy",
            "{case}",
        ),
        packages=("maven", "default-jdk"),
    ),
    "go": Plan(
        prepare=(("go", "mod", "tidy"),),
        build=(("go", "build", "-o", "bin/shop", "."),),
        run=("bin/shop", "{case}"),
        packages=("golang-go",),
    ),
    "rust": Plan(
        build=(("cargo", "build", "-q"),),
        run=("target/debug/shop", "{case}"),
        packages=("cargo",),
    ),
    "ruby": Plan(
        run=("ruby", "main.rb", "{case}"),
        comment="#",
        packages=("ruby", "ruby-sentry-ruby", "ruby-sqlite3"),
    ),
    "native": Plan(
        prepare=(("cargo", "build", "-q"),),
        build=(("sh", "build.sh"),),
        run=("bin/shop", "{case}"),
        program="bin/shop",
        packages=("binutils", "cargo", "cmake", "g++", "libcurl4-openssl-dev"),
    ),
}  # fmt: skip
"""By the name of the folder beside this file, which is also the name of the corpus file."""
