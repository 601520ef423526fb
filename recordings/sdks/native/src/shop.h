#pragma once
#include <string>

void run(const std::string &name);
