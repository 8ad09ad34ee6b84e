using System.Net;
using System.Net.Sockets;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux;

public sealed class SealedMemoryTests
{
    [Fact]
    public void What_was_sealed_reads_back_and_nobody_can_change_it()
    {
        byte[] bytes = new byte[100_000];
        new Random(3).NextBytes(bytes);
        using FileDescriptor file = SealedMemory.Create("t", bytes);
        byte[] read = new byte[bytes.Length];
        Assert.True(SealedMemory.TryRead(file, read));
        Assert.Equal(bytes, read);
        Assert.Equal(Errno.EPERM, file.TryWriteAt([1], 0, out _));
        Assert.Throws<LinuxException>(() => file.SetLength(1));
    }

    [Fact]
    public void A_file_of_another_length_or_without_seals_and_what_is_no_file_are_refused()
    {
        using FileDescriptor file = SealedMemory.Create("t", new byte[10]);
        Assert.False(SealedMemory.TryRead(file, new byte[11]));
        Assert.False(SealedMemory.TryRead(file, new byte[9]));
        using FileDescriptor open = FileDescriptor.Memory("t", canSeal: true);
        open.Write(new byte[10]);
        Assert.False(SealedMemory.TryRead(open, new byte[10]));
        (FileDescriptor read, FileDescriptor write) = Pipe.NonBlocking();
        Assert.False(SealedMemory.TryRead(read, new byte[10]));
        read.Dispose();
        write.Dispose();
    }

    [Fact]
    public async Task A_listening_socket_takes_both_families_and_keeps_who_waits()
    {
        const ushort Port = 28999;
        using FileDescriptor socket = ListeningSocket.Open(Port, backlog: 8, deferSeconds: 5);
        using TcpClient four = new();
        await four.ConnectAsync(IPAddress.Loopback, Port);
        await four.GetStream().WriteAsync("x"u8.ToArray());
        Assert.True(Polling.IsReadable(socket, 20_000));
        Assert.Throws<LinuxException>(() => ListeningSocket.Open(Port, 8, 5).Dispose());
    }
}
