module observe

go 1.24
