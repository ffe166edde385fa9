"""An S3 with the bucket `stepwell`, at the port of the second argument. One request at a time: what
S3 promises of a condition, several of moto's threads do not."""
import sys

from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

s3_backends["123456789012"]["aws"].create_bucket("stepwell", "us-east-1")
application = DomainDispatcherApplication(create_backend_app)
server = make_server("127.0.0.1", int(sys.argv[2]), application, threaded=False)
server.serve_forever()
