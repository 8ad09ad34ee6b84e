using System.Reflection;
using System.Runtime.InteropServices;

using ZeroOS.Engine.Store;

namespace ZeroOS.Tests.Engine;

/// <summary>A folder for one test, and the store in it. Under the JIT the statically linked SQLite is the distribution's shared one.</summary>
internal sealed class TestFolder : IDisposable
{
    static TestFolder() => NativeLibrary.SetDllImportResolver(typeof(SQLitePCL.SQLite3Provider_e_sqlite3).Assembly, Resolve);

    public TestFolder()
    {
        Path = System.IO.Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath(), "zeroos-engine-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public EngineStore OpenStore(TimeProvider? time = null) => EngineStore.Open(System.IO.Path.Combine(Path, "engine.db"), time ?? new ManualTime());

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? search) =>
        name == "e_sqlite3" ? NativeLibrary.Load("libsqlite3.so.0") : IntPtr.Zero;
}
