"""The client of a served model against servers that answer wrongly, late, not at all, or encrypted."""

import concurrent.futures
import contextlib
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format
from json_replies import JsonReplies
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from dgm_zoo import serving
from dgm_zoo.errors import InvalidInput
from dgm_zoo.serving import client as client_room
from dgm_zoo.serving import client_errors


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate of 127.0.0.1 that signs itself, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "certificate"]
    subprocess.run(["openssl", *command.split(), *names], check=True, capture_output=True)
    (folder / "both").write_bytes((folder / "key").read_bytes() + (folder / "certificate").read_bytes())
    return folder / "both"


def tensor_info(*shape, dtype=tf.float32):
    shape = tf.TensorShape([None, *shape]).as_proto()
    return meta_graph_pb2.TensorInfo(name="t", dtype=dtype.as_datatype_enum, tensor_shape=shape)


SIGNATURES = get_model_metadata_pb2.SignatureDefMap(signature_def={
    "sample": meta_graph_pb2.SignatureDef(
        inputs={"seed": tensor_info(dtype=tf.int32)}, outputs={"x": tensor_info(2, 1)}
    ),
    "encode": meta_graph_pb2.SignatureDef(
        inputs={"x": tensor_info(2, 1)}, outputs={"mean": tensor_info(3), "stddev": tensor_info(3)}
    ),
})
METADATA = {"metadata": {"signature_def": json_format.MessageToDict(SIGNATURES, preserving_proto_field_name=True)}}
GOOD = {"outputs": [[[1.0], [2.0]]]}


@contextlib.contextmanager
def rest(reply, tls=None):
    """(address, requests so far) of a server that answers `predict` with `reply(number of the request)`: code, body."""
    seen = []

    class Handler(JsonReplies):
        def do_GET(self):
            self.answer(200, METADATA)

        def do_POST(self):
            seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(*reply(len(seen)))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", seen
        server.shutdown()


@contextlib.contextmanager
def grpc_service(reply, tls=None):
    """(address, requests so far) of a server whose answer to `Predict` is `reply(number of the request, context)`."""
    seen = []

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def GetModelMetadata(self, request, context):
            found = get_model_metadata_pb2.GetModelMetadataResponse()
            found.metadata["signature_def"].Pack(SIGNATURES)
            return found

        def Predict(self, request, context):
            seen.append(request)
            return reply(len(seen), context)

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    if tls:
        text = tls.read_bytes()
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(text, text)]))
    else:
        port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}", seen
    server.stop(None)


def outputs(**arrays):
    return predict_pb2.PredictResponse(outputs={key: tf.make_tensor_proto(one) for key, one in arrays.items()})


def sample(address, protocol="rest", seed=(1,), **options):
    return serving.Client(address, model="m", protocol=protocol, **options).call("sample", seed=list(seed))["x"]


ODD = {
    "no outputs": ({}, "no output 'x'"),
    "a list": ([1], "no output 'x'"),
    "null": ({"outputs": None}, "no output 'x'"),
    "nulls": ({"outputs": [[[None], [1.0]]]}, "an output 'x' that is not an array of numbers"),
    "text": ({"outputs": "text"}, "an output 'x' that is not an array of numbers"),
    "texts": ({"outputs": [[["1"], ["2"]]]}, "an output 'x' that is not an array of numbers"),
    "ragged": ({"outputs": [[[1.0], [2.0, 3.0]]]}, "an output 'x' that is not an array of numbers"),
    "another row": ({"outputs": [[[1.0], [2.0]]] * 2}, r"an output 'x' of shape \[2, 2, 1\], not \[1, 2, 1\]"),
    "another shape": ({"outputs": [[1.0, 2.0]]}, r"an output 'x' of shape \[1, 2\], not \[1, 2, 1\]"),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_reply_over_rest_is_one_sentence(case):
    body, said = ODD[case]
    with rest(lambda n: (200, body)) as (address, _):
        with pytest.raises(InvalidInput, match=f"the server at {address} answered sample with {said}; check its model"):
            sample(address)


def test_an_odd_reply_over_grpc_is_one_sentence():
    broken = outputs(x=np.ones((1, 2, 1), "float32"))
    broken.outputs["x"].tensor_content = b"123"
    for reply, said in (
        (outputs(), "no output 'x'"), (outputs(y=[1.0]), "no output 'x'"),
        (outputs(x=[[["a"], ["b"]]]), "not an array of numbers"), (broken, "not an array of numbers"),
        (outputs(x=np.ones((3, 2, 1))), r"of shape \[3, 2, 1\], not \[1, 2, 1\]"),
    ):
        with grpc_service(lambda n, context, reply=reply: reply) as (address, _):
            with pytest.raises(InvalidInput, match=f"answered sample with .*{said}.*; check its model and version"):
                sample(address, "grpc")


def test_a_missing_output_of_several_is_named():
    with rest(lambda n: (200, {"outputs": {"mean": [[1.0, 2.0, 3.0]]}})) as (address, _):
        with pytest.raises(InvalidInput, match="answered encode with no output 'stddev'"):
            serving.Client(address, model="m", protocol="rest").call("encode", x=[[[1.0], [2.0]]])


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_no_rows_are_answered_with_the_shapes_of_the_signature_and_no_request(protocol):
    service = {"rest": rest, "grpc": grpc_service}[protocol]
    with service(lambda *_: pytest.fail("asked")) as (address, seen):
        client = serving.Client(address, model="m", protocol=protocol)
        assert {key: one.shape for key, one in client.call("sample", seed=[]).items()} == {"x": (0, 2, 1)}
        for none in ([], np.zeros((0, 2, 1))):
            found = client.call("encode", x=none)
            assert {key: (one.shape, one.dtype) for key, one in found.items()} == {
                key: ((0, 3), np.float32) for key in ("mean", "stddev")
            }
        with pytest.raises(InvalidInput, match=r"encode: x has shape \[0, 5\]; give \[0, 2, 1\], or \[\]"):
            client.call("encode", x=np.zeros((0, 5)))
        assert seen == []


# Retries.


def test_an_overloaded_server_is_asked_again_until_it_answers(monkeypatch):
    waits = []
    monkeypatch.setattr(client_room.time, "sleep", waits.append)
    with rest(lambda n: (200, GOOD) if n == 3 else (503, {"error": "busy"})) as (address, seen):
        np.testing.assert_array_equal(sample(address), [[[1.0], [2.0]]])
        assert len(seen) == 3 and seen[0] == seen[2] and waits == [0.1, 0.2]

    def exhausted(n, context):
        if n < 3:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
        return outputs(x=np.ones((1, 2, 1), "float32"))

    with grpc_service(exhausted) as (address, seen):
        assert sample(address, "grpc").shape == (1, 2, 1) and len(seen) == 3


def test_tries_end_with_their_number_and_with_the_time(monkeypatch):
    with rest(lambda n: (503, {})) as (address, seen):
        with pytest.raises(InvalidInput, match="is overloaded .HTTP 503.; call again later"):
            sample(address, retries=1)
        assert len(seen) == 2
        began = time.monotonic()
        with pytest.raises(InvalidInput, match="is overloaded"):
            sample(address, retries=1000, timeout=0.5)
        assert time.monotonic() - began < 5 and len(seen) < 10


def test_a_request_that_is_refused_is_not_sent_again():
    with rest(lambda n: (400, {"error": "assertion failed: [sample: no]\n\t [[node]]"})) as (address, seen):
        with pytest.raises(InvalidInput, match=f"the server at {address} answered HTTP 400: sample: no$"):
            sample(address)
        assert len(seen) == 1


# Addresses.


def test_tls_over_both_protocols(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate))
    with rest(lambda n: (200, GOOD), certificate) as (address, _):
        assert sample(f"https://{address}").shape == (1, 2, 1)
        with pytest.raises(InvalidInput, match="REST"):  # encrypted, but asked without
            sample(address, retries=0)
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(InvalidInput, match="CERTIFICATE_VERIFY_FAILED"):
            sample(f"https://{address}", retries=0)
    with grpc_service(lambda *_: outputs(x=np.ones((1, 2, 1), "float32")), certificate) as (address, _):
        assert sample(f"https://{address}", "grpc").shape == (1, 2, 1)


@pytest.mark.parametrize("address", [
    "file:///etc/passwd", "ftp://localhost", "https://", "", None, 8500, "local host:1", "localhost:99999", "a@b:1",
    "localhost:port", "localhost:0", "http://localhost:1/?a=b", "localhost\n:1",
])
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_what_is_no_address_is_refused(address, protocol):
    with pytest.raises(InvalidInput, match="is not HOST:PORT; give that, or https://HOST:PORT for TLS"):
        serving.Client(address, model="m", protocol=protocol)


@pytest.mark.parametrize("changes, said", [
    ({"timeout": -1}, "timeout is -1; give a positive number of seconds"),
    ({"timeout": float("nan")}, "timeout is nan"), ({"timeout": float("inf")}, "timeout is inf"),
    ({"timeout": "3"}, "timeout is '3'"), ({"timeout": None}, "timeout is None"), ({"timeout": True}, "timeout is Tru"),
    ({"version": -1}, "version is -1"), ({"version": "1"}, "version is '1'"), ({"retries": -1}, "retries is -1"),
    ({"retries": 0.5}, "retries is 0.5"), ({"model": ""}, "model is ''"), ({"model": None}, "model is None"),
])
def test_arguments_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InvalidInput, match=said):
        serving.Client(**{"address": "localhost:1", "model": "m", **changes})


RAGGED = tf.ragged.constant([[1], [1, 2]])


@pytest.mark.parametrize("value", [["a"], [None], [1j], [[1], [1, 2]], {1}, object(), RAGGED])
def test_values_that_are_no_numbers_are_refused(value):
    with rest(lambda n: pytest.fail("asked")) as (address, _):
        with pytest.raises(InvalidInput, match="sample: seed is not an array of numbers(; give int32 v|: its)"):
            serving.Client(address, model="m", protocol="rest").call("sample", seed=value)
        with pytest.raises(InvalidInput, match="unknown endpoint"):
            serving.Client(address, model="m", protocol="rest").call(["sample"], seed=[1])


def test_the_port_of_the_other_protocol_is_named_without_its_bytes():
    with rest(lambda n: (200, GOOD)) as (address, _), pytest.raises(InvalidInput) as error:
        sample(address, "grpc", retries=0)
    with grpc_service(lambda *_: None) as (other, _), pytest.raises(InvalidInput) as second:
        sample(other, "rest", retries=0)
    with socket.create_server(("127.0.0.1", 0)) as raw:
        third = f"127.0.0.1:{raw.getsockname()[1]}"
        threading.Thread(target=lambda: raw.accept()[0].sendall(b"\x00\x01\xff\n" * 20), daemon=True).start()
        with pytest.raises(InvalidInput, match=f"{third} is not a REST port|no REST server answers at {third}") as last:
            sample(third, "rest", retries=0)
    for one, place in ((error, address), (second, other), (last, third)):
        text = str(one.value)
        assert place in text and text.isprintable() and "\\x" not in text and len(text) < 500


def test_one_client_serves_many_threads():
    def echo(n, context):
        return outputs(x=np.full((1, 2, 1), 7, "float32"))

    for protocol, service, reply in (("grpc", grpc_service, echo), ("rest", rest, lambda n: (200, GOOD))):
        with service(reply) as (address, seen):
            client = serving.Client(address, model="m", protocol=protocol)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                found = list(pool.map(lambda i: client.call("sample", seed=[i])["x"], range(40)))  # noqa: B023
            assert len(seen) == 40 and all(one.shape == (1, 2, 1) for one in found)


def test_a_long_text_of_a_server_is_cut():
    assert len(str(client_errors.refusal("a:1", "HTTP 500", "\x00x" * 10_000))) < 400
