"""One check of the archive with boto3: `store.py CHECK`. Endpoint, bucket, CA and credentials come by environment."""
import concurrent.futures
import hashlib
import os
import ssl
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = os.environ["ENDPOINT"]
BUCKET = os.environ["BUCKET"]
MIB = 1024 * 1024


def client(config=Config(max_pool_connections=16), **kwargs):
    return boto3.client("s3", endpoint_url=ENDPOINT, verify=os.environ["CA"], config=config, **kwargs)


s3 = client()


def equal(got, expected, what):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def refused(code, call):
    try:
        call()
    except ClientError as error:
        equal(error.response["Error"]["Code"], code, "error code")
        return
    raise AssertionError(f"expected {code}, but it was done")


def content(seed, size):
    """Bytes that are the same for the same seed, and that no shard has twice."""
    return hashlib.shake_128(seed.encode()).digest(size)


def body(key, bucket=BUCKET, **kwargs):
    return s3.get_object(Bucket=bucket, Key=key, **kwargs)["Body"].read()


def buckets():
    s3.create_bucket(Bucket="py-made")
    s3.head_bucket(Bucket="py-made")
    names = [b["Name"] for b in s3.list_buckets()["Buckets"]]
    equal({BUCKET, "py-made"} <= set(names), True, f"buckets {names}")
    s3.put_object(Bucket="py-made", Key="in the way", Body=b"x")
    refused("BucketNotEmpty", lambda: s3.delete_bucket(Bucket="py-made"))
    s3.delete_object(Bucket="py-made", Key="in the way")
    s3.delete_bucket(Bucket="py-made")
    refused("NoSuchBucket", lambda: s3.list_objects_v2(Bucket="py-made"))
    refused("NoSuchBucket", lambda: s3.put_object(Bucket="py-made", Key="k", Body=b"x"))


def metadata():
    data = content("metadata", 100_000)
    put = s3.put_object(Bucket=BUCKET, Key="py/meta", Body=data, ContentType="text/x-threebot", CacheControl="no-cache", Metadata={"owner": "alice", "case-number": "17"})
    head = s3.head_object(Bucket=BUCKET, Key="py/meta")
    equal(head["ContentLength"], len(data), "length")
    equal(head["ContentType"], "text/x-threebot", "content type")
    equal(head["CacheControl"], "no-cache", "cache control")
    equal(head["Metadata"], {"owner": "alice", "case-number": "17"}, "metadata")
    equal(head["ETag"], put["ETag"], "etag")
    equal(body("py/meta"), data, "content")
    equal(body("py/meta", IfMatch=put["ETag"]), data, "content if it matches")
    refused("PreconditionFailed", lambda: s3.get_object(Bucket=BUCKET, Key="py/meta", IfMatch='"0"'))
    refused("304", lambda: s3.get_object(Bucket=BUCKET, Key="py/meta", IfNoneMatch=put["ETag"]))
    s3.put_object(Bucket=BUCKET, Key="py/empty", Body=b"")
    equal(body("py/empty"), b"", "empty object")
    refused("NoSuchKey", lambda: s3.get_object(Bucket=BUCKET, Key="py/never"))
    refused("404", lambda: s3.head_object(Bucket=BUCKET, Key="py/never"))


def ranges():
    data = content("ranges", 9 * MIB + 4711)
    s3.put_object(Bucket=BUCKET, Key="py/ranges", Body=data)
    size = len(data)
    for text, first, last in [
        ("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), (f"bytes={4 * MIB - 3}-{4 * MIB + 3}", 4 * MIB - 3, 4 * MIB + 3),
        (f"bytes={MIB - 1}-{8 * MIB}", MIB - 1, 8 * MIB), ("bytes=-10", size - 10, size - 1), (f"bytes={size - 5}-", size - 5, size - 1),
        (f"bytes=5-{size * 2}", 5, size - 1),
    ]:
        answer = s3.get_object(Bucket=BUCKET, Key="py/ranges", Range=text)
        equal(answer["ResponseMetadata"]["HTTPStatusCode"], 206, f"status of {text}")
        equal(answer["ContentRange"], f"bytes {first}-{last}/{size}", f"range of {text}")
        equal(answer["Body"].read() == data[first:last + 1], True, f"bytes of {text}")
    refused("InvalidRange", lambda: s3.get_object(Bucket=BUCKET, Key="py/ranges", Range=f"bytes={size}-"))


def multipart():
    parts = [content(f"part {n}", size) for n, size in enumerate([5 * MIB, 6 * MIB + 1, 777])]
    key = "py/multipart"
    s3.delete_object(Bucket=BUCKET, Key=key)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=key, ContentType="text/plain", Metadata={"made": "of parts"})["UploadId"]
    etags = {n: s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=n, Body=part)["ETag"] for n, part in reversed(list(enumerate(parts, 1)))}
    listed = s3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload)["Parts"]
    equal([(p["PartNumber"], p["Size"]) for p in listed], [(n, len(p)) for n, p in enumerate(parts, 1)], "parts")
    refused("404", lambda: s3.head_object(Bucket=BUCKET, Key=key))
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": etags[n]} for n in sorted(etags)]})
    whole = b"".join(parts)
    equal(hashlib.sha256(body(key)).hexdigest(), hashlib.sha256(whole).hexdigest(), "content")
    equal(s3.head_object(Bucket=BUCKET, Key=key)["Metadata"], {"made": "of parts"}, "metadata")
    across = f"bytes={len(parts[0]) - 2}-{len(parts[0]) + 1}"
    equal(body(key, Range=across), whole[len(parts[0]) - 2:len(parts[0]) + 2], "range across parts")
    aborted = s3.create_multipart_upload(Bucket=BUCKET, Key="py/aborted")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="py/aborted", UploadId=aborted, PartNumber=1, Body=parts[2])
    equal(aborted in [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])], True, "open upload is listed")
    s3.abort_multipart_upload(Bucket=BUCKET, Key="py/aborted", UploadId=aborted)
    refused("NoSuchUpload", lambda: s3.list_parts(Bucket=BUCKET, Key="py/aborted", UploadId=aborted))
    refused("NoSuchKey", lambda: s3.get_object(Bucket=BUCKET, Key="py/aborted"))


def keys(bucket, **kwargs):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **kwargs)
    return [o["Key"] for page in pages for o in page.get("Contents", [])]


def listing():
    bucket = "py-listing"
    s3.create_bucket(Bucket=bucket)
    names = [f"log/{n // 100:02}/{n:05}" for n in range(1005)] + ["log", "log0", "other/a", "other/b"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode()), names))
    equal(keys(bucket), sorted(names), "all keys")
    first = s3.list_objects_v2(Bucket=bucket)
    equal((first["KeyCount"], first["IsTruncated"]), (1000, True), "first page")
    equal(keys(bucket, Prefix="log/03/"), [n for n in names if n.startswith("log/03/")], "keys of a prefix")
    equal(keys(bucket, StartAfter="log/10/01003"), ["log/10/01004", "log0", "other/a", "other/b"], "keys after one")
    top = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    equal([o["Key"] for o in top["Contents"]], ["log", "log0"], "keys at the top")
    equal([p["Prefix"] for p in top["CommonPrefixes"]], ["log/", "other/"], "prefixes at the top")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="log/", Delimiter="/", PaginationConfig={"PageSize": 3})
    equal([p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])], [f"log/{n:02}/" for n in range(11)], "prefixes, three a page")
    old = s3.get_paginator("list_objects").paginate(Bucket=bucket)
    equal([o["Key"] for page in old for o in page.get("Contents", [])], sorted(names), "all keys, first version")
    for start in range(0, len(names), 1000):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in names[start:start + 1000]]})
        equal((len(answer["Deleted"]), answer.get("Errors")), (len(names[start:start + 1000]), None), "deleted at once")
    equal(keys(bucket), [], "keys after all were deleted")
    s3.delete_bucket(Bucket=bucket)


def copy():
    data = content("copy", 3 * MIB)
    s3.put_object(Bucket=BUCKET, Key="py/copy/from", Body=data, ContentType="text/plain", Metadata={"a": "1"})
    s3.copy_object(Bucket=BUCKET, Key="py/copy/to", CopySource={"Bucket": BUCKET, "Key": "py/copy/from"})
    s3.delete_object(Bucket=BUCKET, Key="py/copy/from")
    equal(body("py/copy/to"), data, "content of the copy")
    head = s3.head_object(Bucket=BUCKET, Key="py/copy/to")
    equal((head["ContentType"], head["Metadata"]), ("text/plain", {"a": "1"}), "metadata of the copy")
    s3.copy_object(Bucket=BUCKET, Key="py/copy/to", CopySource={"Bucket": BUCKET, "Key": "py/copy/to"}, MetadataDirective="REPLACE", Metadata={"b": "2"})
    equal(s3.head_object(Bucket=BUCKET, Key="py/copy/to")["Metadata"], {"b": "2"}, "replaced metadata")
    equal(body("py/copy/to"), data, "content after its metadata was replaced")


def names():
    odd = ["py/names/a b", "py/names/a+b", "py/names/100%", "py/names/%2F", "py/names/ü-日本-🗄", "py/names//double", "py/names/trailing/", "py/names/&<>\"'", "py/names/~!*()=?#", "py/names/../up"]
    for key in odd:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for key in odd:
        equal(body(key).decode(), key, "content")
    equal(keys(BUCKET, Prefix="py/names/"), sorted(odd, key=lambda k: k.encode()), "listed keys")


def strangers():
    data = content("strangers", 1000)
    s3.put_object(Bucket=BUCKET, Key="py/secret", Body=data)
    wrong = client(aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="not it")
    refused("SignatureDoesNotMatch", lambda: wrong.get_object(Bucket=BUCKET, Key="py/secret"))
    unknown = client(aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="nobody")
    refused("InvalidAccessKeyId", lambda: unknown.get_object(Bucket=BUCKET, Key="py/secret"))


def presigned():
    data = content("presigned", 200_000)
    signing = client(config=Config(signature_version="s3v4"))
    trust = ssl.create_default_context(cafile=os.environ["CA"])
    target = {"Bucket": BUCKET, "Key": "py/presigned"}

    def send(url, method, body=None):
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method=method), context=trust) as answer:
            return answer.read()

    send(signing.generate_presigned_url("put_object", Params=target, ExpiresIn=60), "PUT", data)
    url = signing.generate_presigned_url("get_object", Params=target, ExpiresIn=60)
    equal(send(url, "GET"), data, "content")
    for other in [url.replace("py/presigned", "py/other"), url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"), url.split("?")[0]]:
        try:
            send(other, "GET")
        except urllib.error.HTTPError as error:
            equal(error.code, 403, "status for a changed link")
        else:
            raise AssertionError("a changed link was served")


CHECKS = {f.__name__: f for f in [buckets, metadata, ranges, multipart, listing, copy, names, strangers, presigned]}
CHECKS[sys.argv[1]]()
print("ok")
