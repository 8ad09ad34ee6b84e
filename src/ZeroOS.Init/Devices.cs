namespace ZeroOS.Init;

/// <summary>Devices a node is useless or limited without. Everything is built into the kernel, so what is missing now does not come.</summary>
internal static class Devices
{
    internal static void Check(Boot boot)
    {
        foreach ((string path, string without) in ((string, string)[])[("/dev/kvm", "no machines can run"), ("/dev/net/tun", "machines have no network")])
        {
            if (!boot.Kernel.Exists(path))
                boot.Log.Warn($"device missing={path} ({without})");
        }
    }
}
