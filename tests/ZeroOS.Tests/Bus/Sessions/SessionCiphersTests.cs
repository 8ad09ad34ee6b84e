using System.Security.Cryptography;

using ZeroOS.Bus.Sessions;
using ZeroOS.Bus.Sodium;
using ZeroOS.Contracts.Sessions;

namespace ZeroOS.Tests.Bus.Sessions;

/// <summary>The beginning of a session and its sealed frames, with everything that somebody between both ends can do to them.</summary>
public sealed class SessionCiphersTests
{
    private static readonly byte[] s_opening = "the opening, as it was signed"u8.ToArray(), s_answer = "the answer, as it was signed"u8.ToArray();

    [Fact]
    public void What_one_end_seals_the_other_opens_in_both_directions()
    {
        (SessionCiphers client, SessionCiphers node) = Begin();
        Assert.Equal(["Begin -1 {}"], Opened(node, Sealed(client, SessionFrame.SessionChannel, SessionFrameType.Begin, "{}"u8)));
        Assert.Equal(["Data 1 output"], Opened(client, Sealed(node, 1, SessionFrameType.Data, "output"u8)));
    }

    [Fact]
    public void Frames_come_whole_whatever_the_pieces_they_travel_in()
    {
        (SessionCiphers client, SessionCiphers node) = Begin();
        byte[] large = RandomNumberGenerator.GetBytes(SessionLimits.BodyBytes);
        byte[] wire = [.. Sealed(client, 0, SessionFrameType.Data, large), .. Sealed(client, 0, SessionFrameType.HalfClose, [])];
        Assert.Equal(large.Length + 2 * (FrameSealer.Overhead + SessionFrame.HeadBytes), wire.Length);
        List<byte[]> bodies = [];
        for (int at = 0; at < wire.Length;)
        {
            Span<byte> room = node.Opener.Room().Span;
            int count = Math.Min(Math.Min(room.Length, 1000), wire.Length - at);
            wire.AsSpan(at, count).CopyTo(room);
            node.Opener.Filled(count);
            at += count;
            while (node.Opener.TryTake(out SessionFrame frame))
                bodies.Add(frame.Body.ToArray());
        }
        Assert.Equal([large, []], bodies);
        Assert.False(node.Opener.IsUnfinished);
    }

    [Fact]
    public void Session_opened_for_one_thing_is_no_other()
    {
        foreach ((byte[] opening, byte[] answer) in ((byte[], byte[])[])[("another opening"u8.ToArray(), s_answer), (s_opening, "another answer"u8.ToArray()),
            ([.. s_opening, s_answer[0]], s_answer[1..])])
        {
            using SessionKeyPair ours = new(), theirs = new();
            byte[] client = ours.PublicKey.ToArray(), server = theirs.PublicKey.ToArray();
            SessionCiphers one = ours.AsClient(server, s_opening, s_answer)!, other = theirs.AsNode(client, opening, answer)!;
            Assert.Equal(["broken"], Opened(other, Sealed(one, 0, SessionFrameType.Data, "x"u8)));
        }
    }

    [Fact]
    public void Key_pair_counts_once_and_keys_that_make_no_secret_not_at_all()
    {
        using SessionKeyPair pair = new(), peer = new();
        Assert.NotNull(pair.AsClient(peer.PublicKey, s_opening, s_answer));
        Assert.Throws<ObjectDisposedException>(() => pair.AsClient(peer.PublicKey, s_opening, s_answer));
        byte[] one = new byte[SessionKeyPair.Bytes];
        one[0] = 1;
        foreach (byte[] weak in (byte[][])[new byte[SessionKeyPair.Bytes], one, new byte[31], []])
        {
            using SessionKeyPair fresh = new();
            Assert.Null(fresh.AsNode(weak, s_opening, s_answer));
        }
    }

    [Fact]
    public void Frame_that_is_changed_cut_doubled_or_out_of_order_ends_the_session()
    {
        foreach (Func<byte[], byte[], byte[]> attack in (Func<byte[], byte[], byte[]>[])[
            (a, b) => [.. b, .. a],
            (a, _) => [.. a, .. a],
            (_, b) => b,
            (a, b) => [.. a[..^1], .. b],
            (a, b) => [.. a.Select((x, i) => i == 5 ? (byte)(x ^ 1) : x), .. b],
            (a, b) => [.. a.Select((x, i) => i == 0 ? (byte)(x - 1) : x), .. b]])
        {
            (SessionCiphers client, SessionCiphers node) = Begin();
            byte[] first = Sealed(client, 0, SessionFrameType.Data, "first"u8), second = Sealed(client, 0, SessionFrameType.Data, "second"u8);
            List<string> opened = Opened(node, attack(first, second));
            Assert.Equal("broken", opened[^1]);
            Assert.All(opened, o => Assert.True(o is "Data 0 first" or "broken", o));
            Assert.Equal(["broken"], Opened(node, Sealed(client, 0, SessionFrameType.Data, "third"u8)));    // and it stays ended
        }
    }

    [Fact]
    public void What_an_end_sent_does_not_come_back_to_it_as_its_peers()
    {
        (SessionCiphers client, _) = Begin();
        Assert.Equal(["broken"], Opened(client, Sealed(client, 0, SessionFrameType.Data, "x"u8)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(SessionFrame.HeadBytes + 15)]
    [InlineData(SessionFrame.MaxBytes + 17)]
    [InlineData(0xffffff)]
    public void Length_that_no_frame_has_is_refused_before_anything_is_reserved_for_it(int length)
    {
        (_, SessionCiphers node) = Begin();
        byte[] head = [(byte)length, (byte)(length >> 8), (byte)(length >> 16)];
        head.CopyTo(node.Opener.Room().Span);
        node.Opener.Filled(head.Length);
        Assert.False(node.Opener.TryTake(out _));
        Assert.True(node.Opener.IsBroken);
        Assert.True(node.Opener.Room().Length < 2048);
    }

    [Fact]
    public void Body_that_does_not_fit_its_type_ends_the_session_though_it_is_authentic()
    {
        Span<byte> hash = stackalloc byte[Crypto.KeyBytes], key = stackalloc byte[Crypto.KeyBytes];
        using FrameKey key1 = new(key, hash), key2 = new(key, hash);
        byte[] wire = new byte[FrameBuffer.LengthBytes + SessionFrame.HeadBytes + 1 + Crypto.TagBytes];
        wire[0] = (byte)(wire.Length - FrameBuffer.LengthBytes);
        wire[FrameBuffer.LengthBytes + 4] = (byte)SessionFrameType.HalfClose;
        key1.Seal(wire.AsSpan(0, 3), wire.AsSpan(3, SessionFrame.HeadBytes + 1), wire.AsSpan(wire.Length - Crypto.TagBytes));
        using FrameOpener opener = new(key2);
        wire.CopyTo(opener.Room().Span);
        opener.Filled(wire.Length);
        Assert.False(opener.TryTake(out _));
        Assert.True(opener.IsBroken);
    }

    [Fact]
    public void Key_is_changed_after_an_hour_and_the_peer_follows()
    {
        (SessionCiphers client, SessionCiphers node) = Begin();
        byte[] wire = new byte[FrameSealer.Room(1)];
        List<string> opened = [];
        foreach (long time in (long[])[5, 3_600_004, 3_600_005, 3_600_006, 7_200_005])
        {
            int written = client.Sealer.Seal(new SessionFrame(0, SessionFrameType.Data, "x"u8), wire, time);
            opened.AddRange(Opened(node, wire.AsSpan(0, written)));
        }
        Assert.Equal(["Data 0 x", "Data 0 x", "Rekey -1 ", "Data 0 x", "Data 0 x", "Rekey -1 ", "Data 0 x"], opened);
    }

    // As Python's hashlib.blake2b and b2sum --length=256 print them.
    [Theory]
    [InlineData(0, "abc", "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")]
    [InlineData(32, "rekey", "27606b0e164c94f9711ac6f207f5c98d55e37b757af6cffe32ac5f7bcc697c0a")]
    public void Hash_is_keyed_blake2b_of_32_bytes(int keyBytes, string message, string expected)
    {
        byte[] key = [.. Enumerable.Range(0, keyBytes).Select(i => (byte)i)], hash = new byte[Crypto.KeyBytes];
        Crypto.Hash(key, System.Text.Encoding.ASCII.GetBytes(message), hash);
        Assert.Equal(expected, Convert.ToHexStringLower(hash));
    }

    // The example of RFC 8439, section 2.8.2: its nonce is the constant 07 00 00 00 and then eight bytes.
    [Fact]
    public void Cipher_is_chacha20_poly1305_of_the_rfc()
    {
        byte[] message = System.Text.Encoding.ASCII.GetBytes(
            "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.");
        byte[] plain = [.. message], tag = new byte[Crypto.TagBytes], key = [.. Enumerable.Range(0x80, 32).Select(i => (byte)i)],
            nonce = Convert.FromHexString("070000004041424344454647"), beside = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        Crypto.Encrypt(key, nonce, beside, message, tag);
        Assert.Equal("d31a8d34648e60db7b86afbc53ef7ec2", Convert.ToHexStringLower(message.AsSpan(0, 16)));
        Assert.Equal("1ae10b594f09e26a7e902ecbd0600691", Convert.ToHexStringLower(tag));
        Assert.True(Crypto.TryDecrypt(key, nonce, beside, message, tag));
        Assert.Equal(plain, message);
    }

    private static (SessionCiphers Client, SessionCiphers Node) Begin()
    {
        using SessionKeyPair ours = new(), theirs = new();
        byte[] client = ours.PublicKey.ToArray();
        return (ours.AsClient(theirs.PublicKey, s_opening, s_answer)!, theirs.AsNode(client, s_opening, s_answer)!);
    }

    private static byte[] Sealed(SessionCiphers end, uint channel, SessionFrameType type, ReadOnlySpan<byte> body)
    {
        byte[] wire = new byte[FrameSealer.Room(body.Length)];
        int written = end.Sealer.Seal(new SessionFrame(channel, type, body), wire, 0);
        return wire[..written];
    }

    private static List<string> Opened(SessionCiphers end, ReadOnlySpan<byte> wire)
    {
        List<string> opened = [];
        while (wire.Length > 0 && !end.Opener.IsBroken)
        {
            Span<byte> room = end.Opener.Room().Span;
            int count = Math.Min(room.Length, wire.Length);
            wire[..count].CopyTo(room);
            end.Opener.Filled(count);
            wire = wire[count..];
            while (end.Opener.TryTake(out SessionFrame frame))
                opened.Add($"{frame.Type} {(int)frame.Channel} {System.Text.Encoding.UTF8.GetString(frame.Body)}");
        }
        if (end.Opener.IsBroken)
            opened.Add("broken");
        return opened;
    }
}
