module sockhook.example/chat

go 1.19
