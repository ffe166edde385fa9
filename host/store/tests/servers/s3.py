"""An S3 with the bucket `stepwell`. One request at a time: what S3 promises of a condition,
several of moto's threads do not."""
from moto.s3.models import s3_backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

s3_backends["123456789012"]["aws"].create_bucket("stepwell", "us-east-1")
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
print("ready", server.server_port, flush=True)
server.serve_forever()
