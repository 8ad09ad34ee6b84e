using System.Buffers.Binary;
using System.Net.Sockets;

namespace ZeroOS.Docker.Http;

/// <summary>A unix socket that only its owner can use.</summary>
internal static class UnixListener
{
    private const int SolSocket = 1, SoPeerCred = 17, Backlog = 128;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Listens at a path; its folder is made with 0700 if it is not there. A socket that nobody listens at any more is replaced. It has its mode before anybody
    /// can connect.
    /// </summary>
    /// <exception cref="IOException">Somebody listens there, or there is something else.</exception>
    public static Socket Open(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder && !Directory.Exists(folder))
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            UnixDomainSocketEndPoint place = new(path);
            if (File.Exists(path))
                RemoveStale(path, place);
            socket.Bind(place);
            File.SetUnixFileMode(path, OwnerOnly);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"{path} cannot be listened at: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Whose process is at the other end; of a listening socket whose it is itself.</summary>
    public static int User(Socket socket)
    {
        // struct ucred: pid, uid, gid.
        byte[] credentials = new byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return BinaryPrimitives.ReadInt32LittleEndian(credentials.AsSpan(4));
    }

    private static void RemoveStale(string path, UnixDomainSocketEndPoint place)
    {
        using Socket other = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            other.Connect(place);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused && (File.GetAttributes(path) & FileAttributes.Directory) == 0)
        {
            File.Delete(path);
            return;
        }
        throw new IOException($"another program listens at {path}; end it, or name another socket with --socket PATH");
    }
}
