// A chat behind Sockhook: a plain HTTP application with no state and no sockets. A room is a Sockhook group;
// name and room come back with every webhook in Sockhook-State. Kill it and start it again: nobody notices.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"net/url"
)

var listen = flag.String("listen", "127.0.0.1:3000", "address to listen on")
var sockhook = flag.String("sockhook", "http://127.0.0.1:7081", "URL of the management API")

type message map[string]any

type chat struct{ me, name, room, failure string } // one webhook: the connection's id and state, what went wrong

// call asks the management API about the room, if there is one; out, if any, takes the answer.
func (c *chat) call(method, path string, in message, out any) {
	if c.room == "" {
		return
	}
	body, _ := json.Marshal(in)
	request, _ := http.NewRequest(method, *sockhook+"/v1/groups/"+url.PathEscape(c.room)+path, bytes.NewReader(body))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		c.failure = err.Error()
		return
	}
	defer answer.Body.Close()
	json.NewDecoder(answer.Body).Decode(out)
	if answer.StatusCode >= 300 {
		c.failure = method + " " + path + ": " + answer.Status
	}
}

func (c *chat) members() []string {
	var found struct{ Connections []struct{ User string } }
	c.call("GET", "/connections?limit=1000", nil, &found)
	names := []string{}
	for _, connection := range found.Connections {
		name, _ := url.PathUnescape(connection.User)
		names = append(names, name)
	}
	return names
}

// on does what the hook asks and returns the answer to the client, if any.
func (c *chat) on(hook string, in map[string]string) message {
	switch hook {
	case "join":
		c.on("leave", nil) // one room at a time
		c.room = in["room"]
		c.call("PUT", "/connections/"+c.me, nil, nil)
		c.call("POST", "/messages", message{"type": "joined", "name": c.name, "room": c.room, "members": c.members()}, nil)
		return message{"type": "welcome", "room": c.room}
	case "send":
		c.call("POST", "/messages", message{"type": "message", "name": c.name, "text": in["text"]}, nil)
	case "who":
		return message{"type": "members", "members": c.members()}
	case "leave":
		c.call("DELETE", "/connections/"+c.me, nil, nil)
		c.on("disconnect", nil)
		c.room = ""
		return message{"type": "left", "name": c.name, "members": []string{}}
	case "disconnect": // Sockhook has taken it out of the group already
		c.call("POST", "/messages", message{"type": "left", "name": c.name, "members": c.members()}, nil)
	}
	return nil
}

func webhook(w http.ResponseWriter, r *http.Request) {
	state, _ := url.ParseQuery(r.Header.Get("Sockhook-State"))
	c := chat{me: r.Header.Get("ce-connectionid"), name: state.Get("name"), room: state.Get("room")}
	var in map[string]string
	json.NewDecoder(r.Body).Decode(&in) // empty on disconnect
	answer := c.on(r.URL.Path[len("/hooks/"):], in)
	w.Header().Set("Sockhook-State", url.Values{"name": {c.name}, "room": {c.room}}.Encode())
	if c.failure != "" {
		http.Error(w, c.failure, http.StatusBadGateway)
	} else if answer != nil {
		json.NewEncoder(w).Encode(answer)
	}
}

func main() {
	flag.Parse()
	http.HandleFunc("/hooks/connect", func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("name")
		w.Header().Set("Sockhook-User", url.PathEscape(name))
		w.Header().Set("Sockhook-State", url.Values{"name": {name}}.Encode())
	})
	http.HandleFunc("/hooks/", webhook)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../chat-page/index.html") })
	log.Fatal(http.ListenAndServe(*listen, nil))
}
