using System.Net.Sockets;
using System.Text;

namespace ZeroOS.SystemTests.Bench;

/// <summary>Enough of a Redis client to ask for one thing (RESP, inline commands).</summary>
internal sealed class Redis(int port)
{
    /// <summary>Sends one command on a connection of its own and returns the answer: a status line, or the text of a bulk answer.</summary>
    public async Task<string?> Ask(string command)
    {
        try
        {
            using TcpClient client = new();
            using CancellationTokenSource timer = new(TimeSpan.FromSeconds(5));
            await client.ConnectAsync("127.0.0.1", port, timer.Token);
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), timer.Token);
            byte[] buffer = new byte[4096];
            int read = await stream.ReadAsync(buffer, timer.Token);
            string[] lines = Encoding.ASCII.GetString(buffer, 0, read).Split("\r\n");
            return lines[0].StartsWith('$') && lines.Length > 1 ? lines[1] : lines[0].Length > 0 ? lines[0] : null;
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            return null; // not there yet
        }
    }
}
