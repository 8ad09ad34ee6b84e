using System.Runtime.InteropServices;
using System.Text;

namespace ZeroOS.Linux;

/// <summary>A vector of C strings that ends with a null pointer (argv, envp), in memory the collector does not move.</summary>
internal sealed unsafe class CStringVector : IDisposable
{
    private readonly byte** _pointers;
    private readonly int _count;

    internal CStringVector(IReadOnlyList<string> strings)
    {
        _count = strings.Count;
        _pointers = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < _count; i++)
        {
            byte[] text = Encoding.UTF8.GetBytes(strings[i]);
            _pointers[i] = (byte*)NativeMemory.AllocZeroed((nuint)text.Length + 1);
            text.CopyTo(new Span<byte>(_pointers[i], text.Length));
        }
    }

    internal byte** Pointers => _pointers;

    public void Dispose()
    {
        for (int i = 0; i < _count; i++)
            NativeMemory.Free(_pointers[i]);
        NativeMemory.Free(_pointers);
    }
}
