// One end of DTLS with a connection id (RFC 9146), by pion: see dtls.test.ts.
//
//	pion client ADDRESS IDENTITY KEY     says each line of its input, prints what comes back;
//	                                     "move" goes on from another port
//	pion server ADDRESS IDENTITY KEY     says back what it hears
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
)

// A socket that can be exchanged for another while it is used.
type movable struct {
	net.PacketConn
	lock   sync.Mutex
	socket net.PacketConn
}

func (m *movable) now() net.PacketConn {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.socket
}

func (m *movable) ReadFrom(into []byte) (int, net.Addr, error) {
	for {
		socket := m.now()
		count, from, err := socket.ReadFrom(into)
		if err == nil || socket == m.now() {
			return count, from, err
		}
	}
}

func (m *movable) WriteTo(bytes []byte, to net.Addr) (int, error) {
	return m.now().WriteTo(bytes, to)
}

func (m *movable) Close() error                       { return m.now().Close() }
func (m *movable) LocalAddr() net.Addr                { return m.now().LocalAddr() }
func (m *movable) SetDeadline(at time.Time) error     { return m.now().SetDeadline(at) }
func (m *movable) SetReadDeadline(at time.Time) error { return m.now().SetReadDeadline(at) }

func (m *movable) move() {
	socket, err := net.ListenUDP("udp", nil)
	check(err)
	m.lock.Lock()
	before := m.socket
	m.socket = socket
	m.lock.Unlock()
	check(before.Close())
}

func main() {
	role, at, identity := os.Args[1], os.Args[2], os.Args[3]
	key, err := hex.DecodeString(os.Args[4])
	check(err)
	address, err := net.ResolveUDPAddr("udp", at)
	check(err)
	config := &dtls.Config{
		PSK:                   func([]byte) ([]byte, error) { return key, nil },
		PSKIdentityHint:       []byte(identity),
		CipherSuites:          []dtls.CipherSuiteID{dtls.TLS_PSK_WITH_AES_128_CCM_8},
		ExtendedMasterSecret:  dtls.RequireExtendedMasterSecret,
		ConnectionIDGenerator: dtls.RandomCIDGenerator(6),
	}
	if role == "client" {
		client(address, config)
	} else {
		server(address, config)
	}
}

func client(address *net.UDPAddr, config *dtls.Config) {
	socket, err := net.ListenUDP("udp", nil)
	check(err)
	moving := &movable{socket: socket}
	conn, err := dtls.Client(moving, address, config)
	check(err)
	check(conn.Handshake())
	fmt.Println("open")
	go hear(conn, func(text string) { fmt.Println(text) })
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		if input.Text() == "move" {
			moving.move()
			fmt.Println("moved")
			continue
		}
		_, err := conn.Write([]byte(input.Text()))
		check(err)
	}
	check(conn.Close())
}

func server(address *net.UDPAddr, config *dtls.Config) {
	listener, err := dtls.Listen("udp", address, config)
	check(err)
	fmt.Println("listening")
	for {
		conn, err := listener.Accept()
		check(err)
		go hear(conn, func(text string) {
			fmt.Println(text)
			_, err := conn.Write([]byte(text))
			check(err)
		})
	}
}

func hear(conn net.Conn, heard func(string)) {
	into := make([]byte, 2048)
	for {
		count, err := conn.Read(into)
		if err != nil {
			return
		}
		heard(string(into[:count]))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
