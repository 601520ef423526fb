# Builds bin/shop against the library that cargo has built.
set -e
out=$(dirname "$(dirname "$(find target -path '*/out/include/sentry.h' | head -1)")")
mkdir -p bin
g++ -std=c++17 -g -O0 -rdynamic -I"$out/include" -o bin/shop src/*.cpp -L"$out/lib" -lsentry -lcurl -lpthread -ldl
