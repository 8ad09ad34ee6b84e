using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ZeroOS.SystemTests.Bench;

/// <summary>
/// Kills a process inside a node from outside, through QEMU's gdbstub (the GDB remote serial protocol): the next system call is borrowed for a call of the
/// kernel's own kill_pid. The node has no door for this, and gets none for a test. The node must run with nokaslr and QEMU with --gdb.
/// </summary>
internal sealed class KernelDebugger : IDisposable
{
    private const int Rax = 0, Rdx = 3, Rsi = 4, Rdi = 5, Rsp = 7, Rip = 16;
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly Dictionary<string, ulong> _symbols;

    /// <summary>Connects to the stub; the machine stops until the first command lets it go.</summary>
    public KernelDebugger(int port)
    {
        _client = new TcpClient("127.0.0.1", port);
        _stream = _client.GetStream();
        _stream.ReadTimeout = 60_000;
        _symbols = File.ReadLines(Checkout.Path("out", "kernels", "host", "System.map")).Select(l => l.Split(' ')).GroupBy(w => w[2])
            .ToDictionary(g => g.Key, g => ulong.Parse(g.First()[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
    }

    /// <summary>SIGKILL to the process with that number in the node's first pid namespace.</summary>
    public void Kill(int pid)
    {
        // The stub says by itself that the machine stopped when we came; from the answer to this question on, questions and answers are in step.
        string first = Ask("qC");
        while (!first.StartsWith("QC", StringComparison.Ordinal))
            first = Answer();
        Ask("qXfer:features:read:target.xml:0,fff"); // QEMU takes single registers only from who has asked what registers there are
        ulong place = _symbols["__x64_sys_futex"];
        byte[] code = KernelCode(place, 8);
        Ask($"Z1,{place:x},1");
        Ask("c");
        // A guest of the node may run other code at the same address: only the node's own kernel counts. And a second processor may have asked for a stop that
        // is over.
        while (Registers()[Rip] != place || Ask($"m{place:x},8") != Convert.ToHexStringLower(code))
        {
            Ask($"z1,{place:x},1");
            Ask("s");
            Ask($"Z1,{place:x},1");
            Ask("c");
        }
        ulong[] saved = Registers();
        Ask($"z1,{place:x},1");
        ulong task = Call(saved, _symbols["find_pid_ns"], (ulong)pid, _symbols["init_pid_ns"], 0);
        if (task == 0)
            throw new InvalidOperationException($"the node has no process {pid}");
        Call(saved, _symbols["kill_pid"], task, 9, 1);
        for (int i = 0; i < saved.Length; i++)
            Set(i, saved[i]);
        Ask("D");
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>
    /// Calls a function of the kernel in the stopped thread, on its own stack. It returns to a place that no other processor comes by, so that the stop that
    /// follows is this thread's. Only general registers are written, which go with the thread: the bases of FS and GS, and CR3, are the processor's, and the
    /// thread may come back on another one.
    /// </summary>
    private ulong Call(ulong[] saved, ulong function, ulong first, ulong second, ulong third)
    {
        ulong back = _symbols["panic"], stack = (saved[Rsp] & ~0xFUL) - 256 - 8;
        byte[] address = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(address, back);
        Ask($"M{stack:x},8:{Convert.ToHexStringLower(address)}");
        Set(Rsp, stack);
        Set(Rip, function);
        Set(Rdi, first);
        Set(Rsi, second);
        Set(Rdx, third);
        Ask($"Z1,{back:x},1");
        ulong[] now;
        do
        {
            Ask("c");
            now = Registers();
        }
        while (now[Rip] != back);
        Ask($"z1,{back:x},1");
        return now[Rsp] == stack + 8 ? now[Rax] : throw new InvalidOperationException($"the node's kernel panicked in the call of {function:x}");
    }

    /// <summary>The general registers and the instruction pointer of the stopped processor.</summary>
    private ulong[] Registers()
    {
        byte[] all = Convert.FromHexString(Ask("g"));
        ulong[] general = new ulong[Rip + 1];
        for (int i = 0; i < general.Length; i++)
            general[i] = BinaryPrimitives.ReadUInt64LittleEndian(all.AsSpan(i * 8));
        return general;
    }

    /// <summary>One register of the stopped processor.</summary>
    private void Set(int index, ulong value)
    {
        if (Ask($"P{index:x}={BinaryPrimitives.ReverseEndianness(value):x16}") != "OK")
            throw new InvalidOperationException("the debugger stub takes no single registers");
    }

    /// <summary>Bytes of the host kernel's own file at a virtual address.</summary>
    private static byte[] KernelCode(ulong address, int count)
    {
        byte[] elf = File.ReadAllBytes(Checkout.Path("out", "kernels", "host", "vmlinux"));
        int table = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf.AsSpan(32)), entries = BinaryPrimitives.ReadUInt16LittleEndian(elf.AsSpan(56));
        for (int i = 0; i < entries; i++)
        {
            ReadOnlySpan<byte> header = elf.AsSpan(table + (i * 56), 56);
            ulong offset = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]), start = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
                size = BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) == 1 && address >= start && address - start < size)
                return elf.AsSpan((int)(offset + address - start), count).ToArray();
        }
        throw new InvalidDataException($"the kernel has nothing at {address:x}");
    }

    /// <summary>One packet and its answer; for "c", the stop that follows.</summary>
    private string Ask(string packet)
    {
        byte sum = 0;
        foreach (char c in packet)
            sum += (byte)c;
        _stream.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"${packet}#{sum:x2}")));
        return Answer();
    }

    private string Answer()
    {
        StringBuilder answer = new();
        int b;
        while ((b = _stream.ReadByte()) != '$')
        {
            if (b < 0)
                throw new IOException("the debugger stub closed the connection");
        }
        while ((b = _stream.ReadByte()) != '#')
            answer.Append((char)b);
        _stream.ReadByte();
        _stream.ReadByte();
        _stream.WriteByte((byte)'+');
        string text = answer.ToString();
        return !text.StartsWith('E') ? text : throw new InvalidOperationException($"the debugger stub refused: {text}");
    }
}
