using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

using ZeroOS.Media.Serve;
using ZeroOS.Media.Serve.Tftp;

namespace ZeroOS.Tests.Media.Serve;

public sealed class TftpTests
{
    private static TftpTransfer Transfer(byte[] content, params string[] options)
    {
        Assert.True(TftpRequest.TryRead(Bytes.Read("f", options), out TftpRequest request, out _));
        return new TftpTransfer(request, new BootContent(content), 1468);
    }

    private static byte[] Next(TftpTransfer transfer)
    {
        byte[] datagram = new byte[2048];
        return datagram[..transfer.Next(datagram)];
    }

    [Fact]
    public void A_request_without_options_is_answered_with_the_first_block()
    {
        TftpTransfer transfer = Transfer([1, 2, 3]);
        Assert.Equal([0, 3, 0, 1, 1, 2, 3], Next(transfer));
        Assert.Empty(Next(transfer));
        Assert.Equal(TftpState.Done, transfer.Receive(Bytes.Acknowledge(1)));
    }

    [Fact]
    public void Options_are_answered_within_our_bounds_and_unknown_ones_not_at_all()
    {
        TftpTransfer transfer = Transfer(new byte[5000], "tsize", "0", "BLKSIZE", "65464", "windowsize", "65535", "timeout", "3", "rollover", "1");
        Assert.Equal("\0\u0006blksize\01468\0tsize\05000\0timeout\03\0windowsize\064\0", Encoding.ASCII.GetString(Next(transfer)));
        Assert.Empty(Next(transfer));
        transfer.Receive(Bytes.Acknowledge(0));
        Assert.Equal([1472, 1472, 1472, 600], Enumerable.Range(0, 4).Select(_ => Next(transfer).Length));
        Assert.Equal((1468, 64, TimeSpan.FromSeconds(3)), (transfer.BlockBytes, transfer.WindowBlocks, transfer.Timeout));
    }

    [Fact]
    public void A_file_of_whole_blocks_ends_with_an_empty_one()
    {
        TftpTransfer transfer = Transfer(new byte[512]);
        Assert.Equal(516, Next(transfer).Length);
        Assert.Equal(TftpState.Going, transfer.Receive(Bytes.Acknowledge(1)));
        Assert.Equal([0, 3, 0, 2], Next(transfer));
        Assert.Equal(TftpState.Done, transfer.Receive(Bytes.Acknowledge(2)));
    }

    [Fact]
    public void An_acknowledgement_inside_a_window_goes_on_behind_it_and_one_that_is_old_changes_nothing()
    {
        TftpTransfer transfer = Transfer(new byte[512 * 20], "windowsize", "4");
        Next(transfer);
        transfer.Receive(Bytes.Acknowledge(0));
        Assert.Equal([1, 2, 3, 4], Enumerable.Range(0, 4).Select(_ => Next(transfer)[3]));
        transfer.Receive(Bytes.Acknowledge(2));
        Assert.Equal([3, 4, 5, 6], Enumerable.Range(0, 4).Select(_ => Next(transfer)[3]));
        Assert.Empty(Next(transfer));
        transfer.Receive(Bytes.Acknowledge(2));
        transfer.Receive(Bytes.Acknowledge(1));
        transfer.Receive(Bytes.Acknowledge(7)); // not sent yet
        Assert.Empty(Next(transfer));
        Assert.Equal(1024, transfer.DoneBytes);
    }

    [Fact]
    public void Silence_sends_the_window_again_and_ends_the_transfer_in_the_end()
    {
        TftpTransfer transfer = Transfer(new byte[2000], "blksize", "512");
        byte[] options = Next(transfer);
        Assert.True(transfer.Retry());
        Assert.Equal(options, Next(transfer));
        transfer.Receive(Bytes.Acknowledge(0));
        byte[] first = Next(transfer);
        for (int i = 1; i < 6; i++)
        {
            Assert.True(transfer.Retry());
            Assert.Equal(first, Next(transfer));
        }
        Assert.False(transfer.Retry());
    }

    [Fact]
    public void Block_numbers_go_around_in_a_file_of_more_than_65535_blocks()
    {
        byte[] content = new byte[8 * 70_000];
        new Random(1).NextBytes(content);
        TftpTransfer transfer = Transfer(content, "blksize", "8", "windowsize", "64");
        Next(transfer);
        transfer.Receive(Bytes.Acknowledge(0));
        MemoryStream loaded = new();
        byte[] datagram = new byte[64];
        TftpState state = TftpState.Going;
        for (long block = 0; state == TftpState.Going;)
        {
            while (transfer.Next(datagram) is > 0 and int length)
            {
                Assert.Equal((ushort)++block, (ushort)((datagram[2] << 8) | datagram[3]));
                loaded.Write(datagram, 4, length - 4);
            }
            state = transfer.Receive(Bytes.Acknowledge(block));
        }
        Assert.Equal(TftpState.Done, state);
        Assert.Equal(content, loaded.ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    public async Task A_client_loads_a_file_over_sockets(int window)
    {
        await using ServeBench bench = new();
        string[] options = window == 1 ? ["blksize", "1024"] : ["blksize", "1024", "tsize", "0", "windowsize", $"{window}"];
        Assert.Equal(bench.Efi, await bench.LoadAsync("/zeroos.efi", window, lose: null, options));
        Assert.Empty(await bench.LoadAsync("empty", 1));
        bench.Says(e => e is { Event: "loaded", File: "zeroos.efi", Bytes: 300_001 });
    }

    [Fact]
    public async Task Lost_datagrams_are_sent_again()
    {
        await using ServeBench bench = new();
        byte[] loaded = await bench.LoadAsync("zeroos.efi", 8, lose: number => number is 0 or 20 or 27, "blksize", "1428", "windowsize", "8");
        Assert.Equal(bench.Efi, loaded);
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("../zos-serve")]
    [InlineData("/etc/passwd")]
    [InlineData("./zeroos.efi")]
    [InlineData("ZEROOS.EFI")]
    public async Task A_name_that_is_not_in_the_table_is_not_there(string name)
    {
        await using ServeBench bench = new();
        IOException refused = await Assert.ThrowsAsync<IOException>(() => bench.LoadAsync(name, 1));
        Assert.Equal("no such file", refused.Message);
        bench.Says(e => e.Event == "unknown-file");
    }

    [Fact]
    public async Task A_write_is_refused_and_nothing_is_written()
    {
        await using ServeBench bench = new();
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await client.SendToAsync((byte[])[0, 2, .. "zeroos.efi\0octet\0"u8], bench.TftpEndPoint);
        byte[] buffer = new byte[512];
        client.ReceiveTimeout = 5000;
        Assert.True(client.Receive(buffer) > 4);
        Assert.Equal([0, 5, 0, 2], buffer[..4]);
        Assert.Equal(bench.Efi, File.ReadAllBytes(Path.Combine(bench.Folder, "zeroos.efi")));
    }

    [Fact]
    public async Task A_transfer_that_fails_in_an_unforeseen_way_is_over()
    {
        using Socket client = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using ServeBench bench = new();
        using UnreadableMemory bytes = new();
        bench.Files.Put(new BootFile("broken", bytes.Memory));
        await client.SendToAsync(Bytes.Read("broken"), bench.TftpEndPoint);
        bench.Says(e => e is { Event: "failed", File: "broken" });
    }

    [Fact]
    public void Ten_thousand_broken_datagrams_are_read_without_an_exception()
    {
        byte[] seed = Bytes.Read("zeroos.efi", "tsize", "0", "blksize", "1468", "windowsize", "4", "timeout", "3");
        Random random = new(69);
        int read = 0;
        byte[] datagram = new byte[2048];
        for (int round = 0; round < 10_000; round++)
        {
            byte[] bytes = [.. seed];
            if (random.Next(8) == 0)
                bytes = bytes[..random.Next(bytes.Length)];
            for (int change = random.Next(1, 5); change > 0 && bytes.Length > 0; change--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(random.Next(2) == 0 ? 256 : 2);
            if (!TftpRequest.TryRead(bytes, out TftpRequest request, out _))
                continue;
            read++;
            TftpTransfer transfer = new(request, new BootContent(new byte[3000]), 1468);
            for (int turn = 0; turn < 20; turn++)
            {
                while (transfer.Next(datagram) > 0)
                    Assert.InRange(transfer.BlockBytes, 8, 1468);
                byte[] answer = new byte[random.Next(8)];
                random.NextBytes(answer);
                if (answer.Length > 1 && random.Next(2) == 0)
                    (answer[0], answer[1]) = (0, 4);
                transfer.Receive(answer);
            }
        }
        Assert.InRange(read, 1000, 9999);
    }

    /// <summary>Bytes that have a length and cannot be read: a fault that no server foresees.</summary>
    private sealed class UnreadableMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(3000);

        public override Span<byte> GetSpan() => throw new InvalidOperationException("these bytes cannot be read");

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
