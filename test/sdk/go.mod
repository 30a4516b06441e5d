module github.com/casino-loyalty/loyalty/test/sdk

go 1.26.0

require github.com/casino-loyalty/loyalty/sdk/go v0.0.0

require github.com/gorilla/websocket v1.5.3 // indirect

replace github.com/casino-loyalty/loyalty/sdk/go => ../../sdk/go
