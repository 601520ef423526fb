"""Small programs, one folder per language, whose errors the real SDKs report: the corpus."""
