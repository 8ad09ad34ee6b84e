using ZeroOS.Guest.Boot;
using ZeroOS.Guest.Workload;

namespace ZeroOS.Guest;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        if (arguments is ["enter"])
            return Enter.Run();
        if (arguments is ["init"])
            return InitProcess.Run();
        GuestInit.Run();
        return 1;
    }
}
