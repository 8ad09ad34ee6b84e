using System.Text;

using ZeroOS.Contracts.Doors;
using ZeroOS.Media.Serve.Http;
using ZeroOS.Node.Doors.Http;

namespace ZeroOS.Tests.Fuzz;

/// <summary>The link between the node and a door that was taken over, and what a network sends to `zos image serve`.</summary>
internal static class DoorEntries
{
    public static IReadOnlyList<FuzzEntry> All { get; } =
    [
        new DecoderEntry("door message",
            () => [new DoorMessage(DoorVerb.Ask, 0, 7).With("{}"u8), new DoorMessage(DoorVerb.Credit, 0, 7).With(65536)], ReadMessage),
        new DecoderEntry("door keys", () => [.. Keys()], b => DoorKeys.TryRead(b, [])),
        new DecoderEntry("session request",
            () => [Encoding.ASCII.GetBytes("POST /session HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n")],
            b => b.AsSpan().IndexOf("\r\n\r\n"u8) is >= 0 and int end && SessionRequest.Read(b.AsSpan(0, end + 4), out _) == 0),
        new DecoderEntry("served http request",
            () => [Encoding.ASCII.GetBytes("GET /zeroos.efi HTTP/1.1\r\nHost: a\r\nRange: bytes=0-99\r\nConnection: keep-alive\r\n\r\n")],
            b => HttpRequest.TryRead(b, out _)),
    ];

    private static IEnumerable<byte[]> Keys() => DoorKeys.Write([new("zk1abc", 1), new("zk1def", 2)]).Select(m => m[DoorMessage.HeadBytes..]);

    private static bool ReadMessage(byte[] bytes)
    {
        if (!DoorMessage.TryRead(bytes, out DoorMessage head, out ReadOnlySpan<byte> body))
            return false;
        Assert.Equal(bytes, head.With(body));
        return true;
    }
}
