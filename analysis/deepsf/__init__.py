"""The physics of DeepSF: arrays in, arrays out; knows neither law nor luigi, reads no environment variable."""
