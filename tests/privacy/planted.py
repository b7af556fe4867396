"""Personal data to plant, by the rule that must find them, and what looks like them but must stay."""

from __future__ import annotations

BADGE = r"B-\d{6}"
"""The form of an own name."""


def _split(text: str, separator: str = " | ") -> tuple[str, ...]:
    return tuple(item for line in text.strip().splitlines() for item in line.strip().split(separator))


PLANTED: dict[str, tuple[str, ...]] = {
    "email": _split(
        """
        jane.doe@example.com | JANE@EXAMPLE.ORG | j@ex.io | jane+till@example.co.uk | jane_doe@mail.example.de
        jane-doe@sub.sub.example.com | 1234@example.com | o'neil@example.ie | müller@example.de | jane@münchen.de
        jane%40example.com | jane.doe@example.museum | x@y.photography | jane@123.com | info@example-shop.com
        a.b.c.d@example.net | jane@example.travel | jane@xn--mnchen-3ya.de | first.last@uni.example.ac.kr
        山田@example.jp
        "jane@example.com" | <jane@example.com> | mailto:jane@example.com | root@mail.example.com | jane.@example.com
        a-@b.co
        """
    ),
    "phone": _split(
        """
        +49 170 1234567 | +491701234567 | +49 (0)170 1234567 | 0049 170 1234567 | 00491701234567 | 0170 1234567
        0170-1234567 | 0170/1234567 | 01701234567 | 089/12345678 | 030 1234567 | +1 415 555 2671 | +14155552671
        (415) 555-2671 | 415-555-2671 | 415.555.2671 | 1-800-555-2671 | +1 (415) 555-2671 | 020 7946 0958
        +44 20 7946 0958 | 07700 900123 | 01632 960001 | 01 23 45 67 89 | 01.23.45.67.89 | +33 1 23 45 67 89
        010-1234-5678 | +82 10-1234-5678 | +81 3-1234-5678 | 03-1234-5678 | 090-1234-5678 | +86 138 0013 8000
        0412 345 678 | +61 412 345 678 | +39 06 1234 5678 | +34 912 345 678 | +41 44 123 45 67 | tel:4155552671
        phone 5551234567 | +971 50 123 4567 | mobile: 98765 43210
        """
    ),
    "card": _split(
        """
        4111111111111111 | 4111 1111 1111 1111 | 4111-1111-1111-1111 | 4012888888881881 | 4222222222222
        5555555555554444 | 5555 5555 5555 4444 | 5105105105105100 | 2223003122003222 | 378282246310005
        3782 822463 10005 | 371449635398431 | 3714-496353-98431 | 378734493671000 | 30569309025904 | 38520000023237
        6011111111111117 | 6011 1111 1111 1117 | 6011000990139424 | 3530111333300000 | 3566002020360505
        4242424242424242 | 4242 4242 4242 4242 | 5200828282828210 | 6555900000604105 | 36227206271667
        4000056655665556 | 6011981111111113 | 5454545454545454 | 4917610000000000
        """
    ),
    "ip": _split(
        """
        10.1.2.3 | 192.168.0.17 | 172.16.254.1 | 8.8.8.8 | 203.0.113.255 | 198.51.100.7 | 100.64.0.1 | 169.254.10.20
        224.0.0.251 | 1.2.3.4 | 255.255.255.254 | 78.46.89.147 | 2001:db8::1 | 2001:db8:0:0:0:0:2:1
        fe80::1ff:fe23:4567:890a
        2001:0db8:85a3:0000:0000:8a2e:0370:7334 | ::ffff:10.1.2.3 | fd12:3456:789a:1::1 | 2a00:1450:4001:81b::200e
        2001:db8:a::123 | 64:ff9b::192.0.2.33 | 2001:DB8::FF00:42:8329 | ff02::fb:1 | 2606:4700:4700::1111
        10.255.255.255 | 192.0.2.44 | 11.22.33.44 | 2001:db8:1:2:3:4:5:6 | fe80::a00:27ff:fe4e:66a1 | 9.9.9.9
        """
    ),
    "location": _split(
        """
        48.137154, 11.576124 | 48.137154,11.576124 | -33.868820, 151.209290 | 37.774929;-122.419418
        0.347596, 32.582520
        51.507351 -0.127758 | lat=48.137154 | "latitude": 48.137154 | longitude: -122.419418 | lon=11.57612
        lng: 139.6917
        geo:48.137154,11.576124 | @48.137154,11.576124 | 35.6894875/139.6917064 | 48°08'13.8"N | 11°34'31"E
        48.137154° N | -22.906847, -43.172896 | 64.146582, -21.942636 | 1.352083, 103.819836
        """
    ),
    "iban": _split(
        """
        AD1200012030200359100100 | AE070331234567890123456 | AT611904300234573201 | BE68539007547034
        BG80BNBG96611020345678
        CH9300762011623852957 | CY17002001280000001200527600 | CZ6508000000192000145399 | DE89370400440532013000
        DE89 3704 0044 0532 0130 00 | de89370400440532013000 | DK5000400440116243 | EE382200221020145685
        ES9121000418450200051332 | FI2112345600000785 | FR1420041010050500013M02606
        FR14 2004 1010 0505 0001 3M02 606
        GB29NWBK60161331926819 | GB29 NWBK 6016 1331 9268 19 | GR1601101250000000012300695 | HR1210010051863000160
        HU42117730161111101800000000 | IE29AIBK93115212345678 | IS140159260076545510730339
        IT60X0542811101000000123456
        LI21088100002324013AA | LT121000011101001000 | LU280019400644750000 | LV80BANK0000435195001
        NL91ABNA0417164300
        NL91 ABNA 0417 1643 00 | NO9386011117947 | PL61109010140000071219812874 | PT50000201231234567890154
        RO49AAAA1B31007593840000 | SE4550000000058398257466 | SI56263300012039086 | SK3112000000198742637541
        TR330006100519786457841326 | MT84MALT011000012345MTLCAST001S
        """
    ),
    "mac": ("aa:bb:cc:dd:ee:f0", "AA-BB-CC-DD-EE-F0", "00:1b:44:11:3a:b7", "f0:18:98:00:00:01"),
    "user": (
        "/home/jane/model.onnx",
        "/Users/jane.doe/till.py",
        r"C:\Users\jane\AppData",
        "/home/kim/.cache/x",
        "/home/jdoe7/x",
        "/home/j",
        "file:///home/jane/a",
    ),
    "badge": ("B-123456", "B-000001", "B-998877", "B-424242", "B-100200"),
}
"""At least 200 in all; ``badge`` is an own rule."""

NEAR_MISSES: dict[str, tuple[str, ...]] = {
    "email": (
        "user@localhost",
        "foo@1.2.3",
        "@decorator",
        "a @ b.c",
        "matmul x@y",
        "ops@",
        "@angular/core",
        "loss@k",
        "x@0.5.1",
    ),
    "phone": _split(
        """
        2026-11-23 | 2026-11-23 10:15:30 | 23.11.2026 10:15 | 01.02.2026 10:15 | 1760000000 | 1.2.3 | 0815-4711
        0.1701234567
        978-3-16-148410-0 | 12 345 678 | 1920x1080 | 100-200-3000 | 0012345678 | 010 020 030 040 | 123-45-6789012
        +12.5%
        (1, 3, 224, 224) | 0x01701234567 | 12345678901 | call 2026-11-23 | id 0123-4567 | 1.0123456789 | -0.01234567
        +1 2
        """
    ),
    "card": _split(
        """
        4111111111111112 | 4111 1111 1111 1112 | 1760000000000000000 | 1111111111111111 | 9111111111111111
        41111111111111111111111
        a4111111111111111 | 4111111111111111f | 411111111111 | 0000000000000000 | 1234567890123456
        1000000000000000009
        """
    ),
    "ip": _split(
        """
        127.0.0.1 | 0.0.0.0 | ::1 | 10.0.0.256 | v1.2.3.4 | version 1.2.3.4 | 1.2.3 | 1.2.3.4.5 | std::vector
        10:15:30 | a::b | ns1::fade2 | at 10:15:30: | foo::bar1::baz2
        abc::def | [1::2] | 12:34 | release 1.26.4.2 | a.1.2.3.4
        """
    ),
    "location": _split(
        """
        0.1234, 0.0456 | 48.13, 11.57 | 91.12345, 181.12345 | 1.5, 2.5 | latency: 12.345678 | platform=1.234567 | 90°C
        3.14159
        """
    ),
    "iban": (
        "DE88370400440532013000",
        "DE8937040044053201300",
        "XX89370400440532013000",
        "AB12CD34EF56GH78",
        "NL00ABNA0417164300",
    ),
    "mac": ("aa:bb:cc:dd:ee", "aa:bb:cc:dd:ee:f0:11", "aa:bb-cc:dd:ee:f0"),
    "user": ("/home/", "/opt/model.onnx", "/var/home", "home/jane", "/Users/Shared/x"),
    "badge": ("B-12345", "b-123456", "AB 123456"),
}
"""These stay as they are."""

CLEAN = _split(
    """
    expected input of shape (1, 3, 224, 224), got (8, 3, 640, 640) | onnxruntime 1.22.0, opset 17, int8 per channel
    CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 7.79 GiB total capacity; 5.10 GiB already allocated)
    [Errno 111] Connection refused | HTTPConnectionPool(host='localhost', port=8000): Read timed out. (read timeout=5)
    'NoneType' object has no attribute 'shape' | list index out of range | Invalid feed name: input_ids
    KeyError: 'logits'
    model digits 1.3.0 loaded in 1.284 s, 12 345 678 parameters
    deadline of 300 ms exceeded after 412.7 ms (attempt 2 of 3)
    confidence 0.9312 below 0.95 | route=cloud reason=low_confidence | batch 17/128 loss 0.03421 lr 3e-05
    42% [====>     ] 17/40
    sha256:9ff4c1b07d2e4a5bb1c3d8e7f60912345678abcdef01 | 550e8400-e29b-41d4-a716-446655440000
    00112233-4455-6677-8899-001122334455
    traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
    span 00f067aa0ba902b7 ended at 1760000000000000000
    2026-11-23T10:15:30.123456Z till-arm64 store-7 canary-2026-11 | 23/Nov/2026:10:15:30 +0000 | week 47, 2026
    10:15:30.123
    firmware 4.19.0-27-arm64 #1 SMP Debian 4.19.316-1 (2024-06-25) | kernel 6.1.21-v8+ | libcudnn.so.8.9.7
    libstdc++.so.6.0.30
    tensor(float) [1,1000] expected tensor(int64) | argmax=7 p=[0.01, 0.02, 0.03, 0.91, 0.01]
    mean=0.485, 0.456, 0.406
    p50=12.3ms p95=45.6ms p99=78.9ms n=10000 | temperature 61.5 °C, 1.8 GHz, 4.2 W, 512 MiB | 1920x1080@30fps
    3840x2160
    order 4711 paid | article 4006381333931 | isbn 978-3-16-148410-0 | price 1,299.00 EUR | invoice 2026-000123
    lot 0815-4711
    gpt-4o-2024-08-06 | llama-3.1-8b-instruct-q4_K_M | yolov8n-640-int8.tflite | resnet50-v2-7.onnx | whisper-small.en
    mender: deployment 1208 attempt 7 already-installed | hawkBit action 98765 RUNNING | RAUC slot rootfs.1 good
    exit code 137
    retry after 30 s | queue 2048/2048 dropped 17 | seq 1841..1902 lost | 0x7f8a2c001000 in ?? ()
    line 42, in predict | errno 28
    a::b std::vector<int>::at | File "model.py", line 12, in <module> | dict[str, list[int]] | x[::2] | 10:1 zoom
    ratio 16:9
    Dr. No, room 12, floor 3 | 1 of 2 | 3-4 weeks | 24/7 | 9-5 | 50/50 | ±0.5 | +12.5% | -3 dB | 100 000 | 1e-9
    2**53 | 0b1010 | 0o17
    """
)
"""Texts as machines write them, without a person in them."""
