"""A WebDAV server over the folder of the first argument, at the port of the second, for `ci`."""
import sys

from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

app = WsgiDAVApp({
    "provider_mapping": {"/": sys.argv[1]},
    "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
    "simple_dc": {"user_mapping": {"*": {"ci": {"password": "right-password"}}}},
    "verbose": 0,
})
server = wsgi.Server(("127.0.0.1", int(sys.argv[2])), app)
server.start()
