"""Writes and reads without end, and knows what it was promised: `loop.py SEED`, boto3 with its default retries.

Prints one JSON document a line for all it does. Commands come on standard input, one a line: `verify` pauses the
writers, reads and lists everything and compares; `stop`, or the end of the input, ends it. Times are seconds since 1970.

For every key it keeps which contents a reader may see: after an acknowledged write only that one, after a failed
write the one before or the failed one. What a read then returns is right, or wrong, or lost; never "probably fine".
"""
import concurrent.futures
import hashlib
import io
import json
import os
import random
import sys
import threading
import time

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError, IncompleteReadError, ResponseStreamingError

SEED = sys.argv[1]
BUCKET = os.environ["BUCKET"]
PREFIX = "loop/"
WRITERS, READERS = 2, 2
PAUSE = 0.05
# The largest goes up in parts, as boto3 does it by itself above 8 MiB.
SIZES, WEIGHTS = [0, 100, 4_000, 100_000, 1_000_000, 5_000_000, 20_000_000], [2, 78, 60, 40, 16, 3, 1]
MULTIPART = TransferConfig().multipart_threshold
# A body that ends early is asked for again so many times, as boto3's own transfers do (s3transfer, num_download_attempts).
DOWNLOAD_ATTEMPTS = 5

s3 = boto3.client("s3", endpoint_url=os.environ["ENDPOINT"], verify=os.environ["CA"], config=Config(max_pool_connections=20))
out = threading.Lock()
stopping = threading.Event()
running = threading.Event()
running.set()
quiet = threading.Condition()
busy = 0
objects = {}


def say(**event):
    with out:
        print(json.dumps(event), flush=True)


class Object:
    """What may be read under one key; None is "no such key"."""

    def __init__(self):
        self.lock = threading.Lock()
        self.possible = {None}
        self.history = [None]
        # A failed write may still arrive later: its key is written no more, or that would look like a lost one.
        self.retired = False

    def attempt(self, digest):
        with self.lock:
            self.possible.add(digest)
            self.history.append(digest)

    def acknowledged(self, digest):
        with self.lock:
            self.possible = {digest}

    def before(self):
        with self.lock:
            return set(self.possible), len(self.history)

    def during(self, start):
        with self.lock:
            return set(self.history[start:])


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def read(key):
    """Digest of what is there; None when there is nothing."""
    for attempt in range(DOWNLOAD_ATTEMPTS):
        try:
            return digest_of(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None
            raise
        except (ReadTimeoutError, IncompleteReadError, ResponseStreamingError):
            if attempt == DOWNLOAD_ATTEMPTS - 1:
                raise


def look(key):
    """Reads a key and compares. Returns what is wrong with it, or None."""
    obj = objects[key]
    allowed, start = obj.before()
    began = time.time()
    try:
        found = read(key)
    except Exception as error:  # whatever the client gives up with
        return {"key": key, "fault": "unreadable", "start": began, "end": time.time(), "error": f"{type(error).__name__}: {error}"[:500]}
    allowed |= obj.during(start)
    if found in allowed:
        return None
    return {"key": key, "fault": "lost" if found is None else "wrong", "start": began, "end": time.time(), "found": found, "allowed": sorted(map(str, allowed))}


def write_once(rng, mine, name):
    chance = rng.random()
    usable = [k for k in mine if not objects[k].retired] if chance < 0.3 else []
    fresh = not usable
    key = f"{PREFIX}{name}/{len(mine):06}" if fresh else rng.choice(usable)
    delete = not fresh and chance < 0.05
    data = None if delete else rng.randbytes(rng.choices(SIZES, WEIGHTS)[0])
    digest = None if delete else digest_of(data)
    if fresh:
        objects[key] = Object()
        mine.append(key)
    obj = objects[key]
    obj.attempt(digest)
    began = time.time()
    try:
        if delete:
            s3.delete_object(Bucket=BUCKET, Key=key)
        elif len(data) < MULTIPART:
            s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        else:
            s3.upload_fileobj(io.BytesIO(data), BUCKET, key)
    except (ClientError, BotoCoreError, Boto3Error, OSError) as error:
        obj.retired = True
        say(event="failed", key=key, start=began, end=time.time(), error=f"{type(error).__name__}: {error}"[:500])
        return
    obj.acknowledged(digest)
    say(event="wrote", key=key, start=began, end=time.time(), bytes=len(data or b""))


def writer(name):
    global busy
    rng = random.Random(f"{SEED} {name}")
    mine = []
    while not stopping.is_set():
        if running.wait(0.2):
            with quiet:
                busy += 1
            try:
                write_once(rng, mine, name)
            finally:
                with quiet:
                    busy -= 1
                    quiet.notify_all()
        time.sleep(PAUSE)


def reader(name):
    rng = random.Random(f"{SEED} {name}")
    while not stopping.is_set():
        keys = list(objects)
        if keys:
            fault = look(rng.choice(keys))
            say(**({"event": "read"} if fault is None else {"event": "fault", **fault}))
        time.sleep(PAUSE)


def verify():
    running.clear()
    with quiet:
        quiet.wait_for(lambda: busy == 0)
    keys = list(objects)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        faults = [fault for fault in pool.map(look, keys) if fault]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
    listed = {o["Key"] for page in pages for o in page.get("Contents", [])}
    faults += [{"key": k, "fault": "not listed"} for k in keys if None not in objects[k].possible and k not in listed]
    faults += [{"key": k, "fault": "listed, but deleted"} for k in keys if objects[k].possible == {None} and k in listed]
    faults += [{"key": k, "fault": "listed, but never written"} for k in listed if k not in objects]
    say(event="verified", objects=len(keys), listed=len(listed), faults=faults)
    running.set()


threads = [threading.Thread(target=writer, args=(f"w{n}",), daemon=True) for n in range(WRITERS)]
threads += [threading.Thread(target=reader, args=(f"r{n}",), daemon=True) for n in range(READERS)]
for thread in threads:
    thread.start()
for line in sys.stdin:
    if line.strip() == "stop":
        break
    verify()
stopping.set()
running.set()
for thread in threads:
    thread.join()
