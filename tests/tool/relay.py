#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""relay.py: what is between cloudfs and a daemon.

    relay.py mute SOCKET                 accepts at a UNIX socket, and never says a word
    relay.py relay ADDRESS PORT SOCKET   what comes by TCP goes to a UNIX socket, and back
"""
import socket
import sys
import threading


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in source, target:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, path):
    kept = []
    while True:
        client, _ = listener.accept()
        if path is None:
            kept.append(client)
            continue
        daemon = socket.socket(socket.AF_UNIX)
        daemon.connect(path)
        for ends in (client, daemon), (daemon, client):
            threading.Thread(target=pump, args=ends, daemon=True).start()


def main(what, *args):
    if what == "mute":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(args[0])
        path = None
    else:
        listener = socket.socket(socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((args[0], int(args[1])))
        path = args[2]
    listener.listen(64)
    print("ready", flush=True)
    serve(listener, path)


main(*sys.argv[1:])
