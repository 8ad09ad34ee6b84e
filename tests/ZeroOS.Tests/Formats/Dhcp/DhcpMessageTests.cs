using System.Net;
using System.Text;

using ZeroOS.Formats.Dhcp;

namespace ZeroOS.Tests.Formats.Dhcp;

public sealed class DhcpMessageTests
{
    private static readonly byte[] s_mac = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

    [Fact]
    public void A_discover_has_the_bytes_of_rfc_2131()
    {
        byte[] bytes = new DhcpMessage { TransactionId = 0x3903F326, Seconds = 5, Hardware = s_mac }
            .With(DhcpOption.Type, 1).With(DhcpOption.ClientId, [1, .. s_mac]).Write();
        Assert.Equal(300, bytes.Length);
        Assert.Equal("01010600" + "3903F326" + "00050000" + "00000000" + "00000000" + "00000000" + "00000000" + "525400123456",
            Convert.ToHexString(bytes.AsSpan(0, 34)));
        Assert.All(bytes[34..236], b => Assert.Equal(0, b));
        Assert.Equal("63825363" + "350101" + "3D0701525400123456" + "FF", Convert.ToHexString(bytes.AsSpan(236, 17)));
    }

    [Fact]
    public void Options_in_the_file_and_name_fields_and_in_parts_are_joined()
    {
        byte[] bytes = new DhcpMessage { IsReply = true, YourAddress = IPAddress.Parse("10.0.0.9"), Hardware = s_mac }
            .With(DhcpOption.Type, 5).With(DhcpOption.Overload, 3).With(DhcpOption.Resolver, 1, 1).Write();
        new byte[] { 6, 2, 1, 1, 255 }.CopyTo(bytes, 108);
        new byte[] { 3, 4, 10, 0, 0, 1, 255 }.CopyTo(bytes, 44);
        Assert.True(DhcpMessage.TryRead(bytes, out DhcpMessage message));
        Assert.Equal("1.1.1.1", $"{Assert.Single(message.Addresses(DhcpOption.Resolver, 4))}");
        Assert.Equal("10.0.0.1", $"{message.Address(DhcpOption.Router)}");
        Assert.Equal([1, 1], message.First(DhcpOption.Resolver).ToArray());
    }

    [Fact]
    public void Every_field_of_an_answer_is_where_rfc_2131_puts_it_and_a_name_must_fit_its_own()
    {
        DhcpMessage answer = new()
        {
            IsReply = true,
            Flags = 0x8000,
            NextServer = IPAddress.Parse("10.0.0.2"),
            Relay = IPAddress.Parse("10.0.0.3"),
            Hardware = s_mac,
            ServerName = "s",
            BootFile = "f",
        };
        byte[] bytes = answer.With(DhcpOption.Router, 10, 0, 0, 1).With(DhcpOption.Type, 2).Write();
        Assert.Equal("02010600" + "00000000" + "00008000" + "00000000" + "00000000" + "0A000002" + "0A000003" + "525400123456",
            Convert.ToHexString(bytes.AsSpan(0, 34)));
        Assert.Equal(("s", "f"), (Encoding.ASCII.GetString(bytes, 44, 64).TrimEnd('\0'), Encoding.ASCII.GetString(bytes, 108, 128).TrimEnd('\0')));
        Assert.Equal("350102" + "03040A000001" + "FF", Convert.ToHexString(bytes.AsSpan(240, 10)));
        Assert.True(DhcpMessage.TryRead(bytes, out DhcpMessage read));
        Assert.Equal((answer.Flags, answer.NextServer, answer.Relay, DhcpType.Offer), (read.Flags, read.NextServer, read.Relay, read.Type));
        Assert.Throws<ArgumentException>(() => new DhcpMessage { BootFile = new string('f', 128) }.Write());
        Assert.Throws<ArgumentException>(() => new DhcpMessage { ServerName = new string('s', 64) }.Write());
    }

    [Fact]
    public void A_message_that_is_cut_or_larger_than_any_frame_is_refused()
    {
        byte[] bytes = new DhcpMessage { Hardware = s_mac }.With(DhcpOption.Type, 1).Write();
        Assert.False(DhcpMessage.TryRead(bytes.AsSpan(0, DhcpMessage.FixedBytes - 1), out _));
        Assert.True(DhcpMessage.TryRead(bytes.AsSpan(0, DhcpMessage.FixedBytes), out DhcpMessage bare));
        Assert.Equal(DhcpType.None, bare.Type);
        Assert.False(DhcpMessage.TryRead(bytes.AsSpan(0, DhcpMessage.FixedBytes + 2), out _), "an option that ends behind the message");
        Array.Resize(ref bytes, DhcpMessage.MaxBytes + 1);
        Assert.True(DhcpMessage.TryRead(bytes.AsSpan(0, DhcpMessage.MaxBytes), out _));
        Assert.False(DhcpMessage.TryRead(bytes, out _));
    }
}
