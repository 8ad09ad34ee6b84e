using System.Net;

namespace ZeroOS.Tests.Host.Network;

/// <summary>
/// Frames as a hostile driver makes them: right and wrong addresses of both layers, reserved groups, tags, fragments, options, every protocol.
/// </summary>
internal sealed class RandomFrame(Random random, byte[] own, byte[] gateway, byte[] other)
{
    private static readonly string[] s_sources = ["10.77.1.3", "10.77.1.1", "100.64.0.0", "100.64.0.1", "100.64.0.3", "10.0.2.15", "10.0.2.2", "127.0.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "8.8.8.8"];
    private static readonly string[] s_destinations = ["10.77.1.1", "10.77.1.3", "10.77.1.77", "100.64.0.0", "100.64.0.1", "100.64.0.2", "100.64.0.3",
        "10.0.2.2", "10.0.2.3", "10.0.2.15", "10.0.2.50",
        "10.0.2.255", "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "224.0.0.251", "239.255.255.250", "169.254.169.254", "192.168.1.1",
        "172.16.0.1", "8.8.8.8", "1.1.1.1"];
    private static readonly int[] s_ports = [8051, 53, 67, 68, 80, 123, 5353, 8080, 61000, 65535];

    /// <summary>The next one, 14 bytes at least.</summary>
    public byte[] Next()
    {
        List<byte> frame = [.. Target(), .. One(70) ? own : Any(6)];
        for (int tags = One(15) ? random.Next(1, 3) : 0; tags > 0; tags--)
            frame.AddRange(One(50) ? [0x81, 0, .. Any(2)] : [0x88, 0xA8, 0, 0]);
        return random.Next(10) switch
        {
            0 => [.. frame, 8, 6, .. Resolution()],
            1 => [.. frame, 0x86, 0xDD, 0x60, 0, 0, 0, 0, 8, (byte)(One(50) ? 58 : 17), 255, .. Any(40)],
            2 => [.. frame, .. Any(2), .. Any(random.Next(0, 80))],
            _ => [.. frame, 8, 0, .. Packet()],
        };
    }

    private byte[] Target() => random.Next(9) switch
    {
        0 => [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        1 => [1, 0x80, 0xC2, 0, 0, (byte)random.Next(16)],
        2 => [1, 0, 0x5E, 0, 0, (byte)random.Next(256)],
        3 => [0x33, 0x33, .. Any(4)],
        4 => other,
        5 => Any(6),
        _ => gateway,
    };

    private byte[] Resolution() => [0, 1, 8, 0, 6, 4, 0, (byte)random.Next(1, 3), .. One(50) ? own : Any(6), .. Address(One(50), s_sources).GetAddressBytes(),
        .. Any(6), 10, 77, 1, (byte)random.Next(1, 5)];

    private byte[] Packet()
    {
        byte protocol = random.Next(8) switch { 0 => 1, 1 => 132, 2 => (byte)random.Next(256), 3 or 4 => 6, _ => 17 };
        byte[] payload = Any(random.Next(8, 60));
        int port = One(60) ? s_ports[random.Next(s_ports.Length)] : random.Next(65536);
        (payload[2], payload[3]) = ((byte)(port >> 8), (byte)port);
        if (protocol == 6 && payload.Length >= 20)
            (payload[12], payload[13]) = (0x50, (byte)(One(50) ? 2 : random.Next(256)));
        if (protocol == 17)
            (payload[4], payload[5], payload[6], payload[7]) = (0, (byte)payload.Length, 0, 0);
        // Loose source routing to somewhere (131), the end of options, or noise.
        byte[]? options = One(15) ? One(40) ? [131, 7, 4, .. Address(false, s_destinations).GetAddressBytes()] : Any(random.Next(1, 40)) : null;
        int fragment = One(15) ? random.Next(65536) & 0x3FFF : 0;
        byte[] packet = Frames.Packet(Address(One(60), s_sources), Address(false, s_destinations), protocol, payload, options, fragment,
            (byte)(One(80) ? 64 : random.Next(256)));
        if (One(5))
            packet[random.Next(packet.Length)] ^= (byte)random.Next(1, 256);
        return packet;
    }

    private IPAddress Address(bool pinned, string[] list) =>
        pinned ? IPAddress.Parse("10.77.1.2") : One(85) ? IPAddress.Parse(list[random.Next(list.Length)]) : new IPAddress(Any(4));

    private bool One(int percent) => random.Next(100) < percent;

    private byte[] Any(int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
